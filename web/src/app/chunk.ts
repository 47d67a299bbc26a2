/** A part of the program that is loaded when it is needed, and what to do where it does not come. */
import { Unreachable } from '@/protocol/failures';

/** What a failed chunk needs of the page around it. */
interface Surroundings {
  readonly isServed: () => Promise<boolean>;
  readonly reload: () => void;
}

/**
 * Gives the function that loads a part, as often as it is called.
 *
 * Where it fails again although the page itself is served, another version has been deployed, or the browser keeps the
 * failure: the page is then loaded anew, which nobody but a person who tries again brings about.
 *
 * @throws Unreachable
 */
export function chunk<T>(load: () => Promise<T>, { isServed, reload }: Surroundings = BROWSER): () => Promise<T> {
  let before: 'none' | 'script' | 'style' = 'none';
  return async () => {
    try {
      // A stylesheet that failed is not asked for again, so that the part would come without its style.
      if (before === 'style') throw new TypeError('The stylesheet of a part did not come');
      return await load();
    } catch (error) {
      const failed = failedPart(error);
      if (failed === null) throw error;
      if (before !== 'none' && (await isServed())) reload();
      before = before === 'style' ? 'style' : failed;
      throw new Unreachable('A part of the page did not come', null, { cause: error });
    }
  };
}

/** Browsers reject a failed `import` with a TypeError; the words for a stylesheet are Vite's. */
function failedPart(error: unknown): 'script' | 'style' | null {
  if (error instanceof TypeError) return 'script';
  return error instanceof Error && error.message.startsWith('Unable to preload CSS') ? 'style' : null;
}

const BROWSER: Surroundings = {
  isServed: async () => {
    try {
      const answer = await fetch(import.meta.env.BASE_URL, { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
      return answer.ok;
    } catch {
      return false;
    }
  },
  reload: () => window.location.reload(),
};
