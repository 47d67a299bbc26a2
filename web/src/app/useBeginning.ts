import { useEffect, useRef } from 'react';

/**
 * Shows another page from its beginning, and takes the focus to its content, so that a screen reader goes on there.
 *
 * Back and Forward are left to the browser, which knows where the reader was.
 */
export function useBeginning(path: string): void {
  const shown = useRef(path);
  const isReturning = useRef(false);
  useEffect(() => {
    const note = () => {
      isReturning.current = true;
    };
    addEventListener('popstate', note);
    return () => removeEventListener('popstate', note);
  }, []);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    if (!isReturning.current) {
      window.scrollTo({ top: 0 });
      const content = document.getElementById('content');
      // A page may have put it where one writes.
      if (content?.contains(document.activeElement) === false) content.focus({ preventScroll: true });
    }
    isReturning.current = false;
  }, [path]);
}
