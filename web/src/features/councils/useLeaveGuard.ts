/**
 * Keeps unsaved work from being left by accident: by a link, by Back, and with the page itself.
 *
 * A router hears of Back only after the browser has gone, and would take the form away before anybody is asked. So
 * unsaved work stands on a second history entry of the same address: Back leads to the first, which looks the same.
 */
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';

export interface LeaveGuard {
  /** Whether somebody is about to leave, and is to be asked. */
  readonly isAsking: boolean;
  /** Goes to another page of this client, and asks before it where something would be lost. */
  readonly ask: (path: string) => void;
  /** Goes there without asking. */
  readonly go: (path: string) => void;
  readonly stay: () => void;
  readonly leave: () => void;
}

export function useLeaveGuard(isDirty: boolean): LeaveGuard {
  const [, navigate] = useLocation();
  const [pending, setPending] = useState<(() => void) | null>(null);
  const hasSecondEntry = useRef(false);
  const isLeaving = useRef(false);

  useEffect(() => {
    const stand = () => window.history.pushState(window.history.state, '', window.location.href);
    if (isDirty && !hasSecondEntry.current) {
      hasSecondEntry.current = true;
      stand();
    }
    const onPopState = () => {
      if (!hasSecondEntry.current || isLeaving.current) return;
      if (isDirty) {
        stand();
        setPending(() => () => window.history.go(-2));
      } else {
        isLeaving.current = true;
        window.history.back();
      }
    };
    window.addEventListener('popstate', onPopState);
    return () => window.removeEventListener('popstate', onPopState);
  }, [isDirty]);

  useEffect(() => {
    if (!isDirty) return undefined;
    const onClick = (event: MouseEvent) => {
      const link = isLeaving.current ? null : followedLink(event);
      if (link === null) return;
      event.preventDefault();
      event.stopPropagation();
      setPending(() => () => {
        window.addEventListener('popstate', () => link.click(), { once: true });
        window.history.back();
      });
    };
    const onUnload = (event: BeforeUnloadEvent) => event.preventDefault();
    document.addEventListener('click', onClick, true);
    window.addEventListener('beforeunload', onUnload);
    return () => {
      document.removeEventListener('click', onClick, true);
      window.removeEventListener('beforeunload', onUnload);
    };
  }, [isDirty]);

  const go = (path: string) => navigate(path, { replace: hasSecondEntry.current });
  return {
    isAsking: pending !== null,
    ask: (path) => (isDirty ? setPending(() => () => go(path)) : go(path)),
    go,
    stay: () => setPending(null),
    leave: () => {
      isLeaving.current = true;
      setPending(null);
      pending?.();
    },
  };
}

/** The link of this client that a click is about to follow in this tab. */
function followedLink(event: MouseEvent): HTMLAnchorElement | null {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return null;
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href]') : null;
  if (link === null || link.target === '_blank' || link.hasAttribute('download')) return null;
  // A link within the page leaves nothing; under hash routing, `#/…` is a page.
  const href = link.getAttribute('href') ?? '';
  if (href.startsWith('#') && !href.startsWith('#/')) return null;
  return link.origin === window.location.origin ? link : null;
}
