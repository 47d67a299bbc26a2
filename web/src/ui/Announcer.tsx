import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from 'react';

/** Screen readers lose what changes too quickly; what gathers for so long is said as one sentence. */
const GATHER_MS = 1_200;

const AnnounceContext = createContext<((words: string) => void) | null>(null);

/** Gives the function that tells a screen reader something, together with what else is said in the same second. */
export function useAnnounce(): (words: string) => void {
  const announce = useContext(AnnounceContext);
  if (announce === null) throw new Error('useAnnounce is used outside Announcer');
  return announce;
}

/** The one live region of the page. */
export function Announcer({ children }: { readonly children: ReactNode }) {
  const [said, setSaid] = useState('');
  const gathered = useRef<string[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const announce = useCallback((words: string) => {
    gathered.current.push(words);
    timer.current ??= setTimeout(() => {
      setSaid(gathered.current.join(' '));
      gathered.current = [];
      timer.current = undefined;
    }, GATHER_MS);
  }, []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
        {said}
      </div>
    </AnnounceContext>
  );
}
