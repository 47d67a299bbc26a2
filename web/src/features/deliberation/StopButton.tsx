import { useLayoutEffect, useRef, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { Button } from '@/ui/Button';

interface StopButtonProps {
  readonly live: LiveDeliberation;
  /** Takes the focus when the work has ended and the button is gone. */
  readonly after: RefObject<HTMLElement | null>;
}

/** Asks the server to stop; it says "stopped" only when the server has said so, which the state beside it shows. */
export function StopButton({ live, after }: StopButtonProps) {
  const { t } = useTranslation('deliberation');
  const stopping = useSelected(live, (snapshot) => snapshot.stopping);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const [shown, next] = [button.current, after.current];
    return () => {
      if (document.activeElement === shown) next?.focus();
    };
  }, [after]);
  return (
    <Button
      ref={button}
      small
      icon="stop"
      // Not `disabled`: that would take the focus away.
      aria-disabled={stopping === 'asked'}
      onClick={() => {
        if (stopping !== 'asked') void live.stop();
      }}
    >
      {t(stopping === 'asked' ? 'stop.asked' : stopping === 'failed' ? 'stop.again' : 'stop.button')}
    </Button>
  );
}
