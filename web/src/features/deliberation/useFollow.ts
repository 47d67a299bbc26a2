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

export function useFollow(isGrowing: boolean): Follow {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const following = useRef(false);
  const lastTop = useRef(0);
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
    if (!isGrowing || box === null || inner === null) return undefined;
    following.current = true;
    const grown = new ResizeObserver(() => {
      if (following.current) box.scrollTop = box.scrollHeight;
      // A text that shrank has moved the box up, of which it hears only in the next frame.
      lastTop.current = box.scrollTop;
    });
    grown.observe(inner);
    grown.observe(box);
    return () => grown.disconnect();
  }, [isGrowing]);

  return { scroller, content, isBehind, toEnd };
}
