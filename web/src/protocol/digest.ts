/** The digest of a log: what `complete` states, so that a reader can prove that it has every event before it. */

/**
 * SHA-256 over the JSON of each event in turn, each followed by one LF.
 *
 * The browser hashes all at once, so the texts are kept, as bytes, until `matches` has let go of them.
 */
export class Digest {
  readonly #encoder = new TextEncoder();
  #pieces: Uint8Array<ArrayBuffer>[] = [];

  /** Takes the JSON of the next events, the very text of the log. */
  add(texts: readonly string[]): void {
    if (texts.length > 0) this.#pieces.push(this.#encoder.encode(`${texts.join('\n')}\n`));
  }

  /**
   * Says whether what was added makes the digest that `complete` states; null where that cannot be told, because the
   * page is not in a secure context, or the digest is of a kind this version does not know.
   */
  async matches(stated: string): Promise<boolean | null> {
    const pieces = this.#pieces;
    this.#pieces = [];
    // Typed as always there, which it is not on a page served by plain HTTP from another machine.
    const subtle = crypto.subtle as SubtleCrypto | undefined;
    if (subtle === undefined || !stated.startsWith('sha256:')) return null;
    const hash = await subtle.digest('SHA-256', joined(pieces));
    return stated === `sha256:${hex(new Uint8Array(hash))}`;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
