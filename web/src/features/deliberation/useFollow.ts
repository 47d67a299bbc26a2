/** Keeps the end of a text that grows in view, until its reader scrolls up. */
import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

interface Follow {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** The reader has left the end, and there is something below. */
  readonly isBehind: boolean;
  readonly toEnd: () => void;
}

const NEAR_PX = 24;
/** What has come to its end by then was there already: to follow it would lay out the page for each of its steps. */
const FOLLOW_AFTER_MS = 400;
/** The last words are shown a moment after it is known that they were the last. */
const LAST_WORDS_MS = 1_000;

/** `saidMs` tells, at the end of the growth, how long it took where it came from; it is the same function always. */
export function useFollow(isGrowing: boolean, saidMs: () => number): Follow {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(false);
  const growing = useRef(false);
  const lastTop = useRef(0);
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [isBehind, setBehind] = useState(false);

  const toEnd = useCallback(() => {
    following.current = true;
    setBehind(false);
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  }, []);

  useEffect(() => {
    const box = scroller.current;
    if (box === null) return undefined;
    const scrolled = () => {
      // Nothing is followed, so the page need not be laid out for what is asked below.
      if (!growing.current && !following.current) return;
      const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
      // Only a move up is the reader's: what else moves the text are its own growth and blocks that find their height.
      if (isAtEnd) following.current = true;
      else if (box.scrollTop < lastTop.current - 1) following.current = false;
      lastTop.current = box.scrollTop;
      setBehind(!following.current);
    };
    box.addEventListener('scroll', scrolled, { passive: true });
    return () => box.removeEventListener('scroll', scrolled);
  }, []);

  useEffect(() => {
    const [box, inner] = [scroller.current, content.current];
    if (box === null || inner === null) return undefined;
    const grown = new ResizeObserver(() => {
      if (following.current) box.scrollTop = box.scrollHeight;
      // A text that shrank has moved the box up, of which it hears only in the next frame.
      lastTop.current = box.scrollTop;
    });
    grown.observe(inner);
    grown.observe(box);
    return () => grown.disconnect();
  }, []);

  useEffect(() => {
    if (!isGrowing) return undefined;
    growing.current = true;
    clearTimeout(settling.current);
    const box = scroller.current;
    const sinceMs = performance.now();
    const beginning = setTimeout(toEnd, FOLLOW_AFTER_MS);
    return () => {
      growing.current = false;
      clearTimeout(beginning);
      // What came much faster than it was said was there already: it is read from its beginning.
      if (performance.now() - sinceMs < saidMs() / 2) {
        if (box !== null && following.current) box.scrollTop = 0;
        following.current = false;
        return;
      }
      settling.current = setTimeout(() => {
        following.current = false;
      }, LAST_WORDS_MS);
    };
  }, [isGrowing, saidMs, toEnd]);

  return { scroller, content, isBehind, toEnd };
}
