import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './Button';
import styles from './Toasts.module.css';

export interface Toast {
  readonly text: string;
  /** What the button does, such as undo. Pressing it, or closing the toast, ends the toast. */
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Called once when it ends in any other way than by its action: by time, by its close button, with the page. */
  readonly onExpire?: () => void;
  /** Default 8 s: long enough to read and to reach with a keyboard. It waits while pointer or focus is on it. */
  readonly durationMs?: number;
}

interface Shown extends Toast {
  readonly key: number;
}

const ToastContext = createContext<((toast: Toast) => void) | null>(null);

/** Gives the function that shows a short message at the foot of the page. */
export function useToast(): (toast: Toast) => void {
  const show = useContext(ToastContext);
  if (show === null) throw new Error('useToast is used outside Toasts');
  return show;
}

/** Holds the toasts of everything inside it. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const next = useRef(0);
  const show = useCallback((toast: Toast) => {
    next.current += 1;
    const key = next.current;
    setShown((before) => [...before, { ...toast, key }]);
  }, []);
  const end = useCallback((key: number) => {
    setShown((before) => before.filter((toast) => toast.key !== key));
  }, []);
  return (
    <ToastContext value={show}>
      {children}
      <div className={styles['toasts']} role="status">
        {shown.map((toast) => (
          <ToastView key={toast.key} toast={toast} onEnd={end} />
        ))}
      </div>
    </ToastContext>
  );
}

function ToastView({ toast, onEnd }: { readonly toast: Shown; readonly onEnd: (key: number) => void }) {
  const { t } = useTranslation('common');
  const [isHeld, setHeld] = useState(false);
  const isOver = useRef(false);
  const { expire, act } = useMemo(() => {
    const once = (then: (() => void) | undefined) => () => {
      if (isOver.current) return;
      isOver.current = true;
      then?.();
      onEnd(toast.key);
    };
    return { expire: once(toast.onExpire), act: once(toast.action?.run) };
  }, [toast, onEnd]);

  useEffect(() => {
    // A page that is left must not forget what it was about to do.
    window.addEventListener('pagehide', expire);
    return () => window.removeEventListener('pagehide', expire);
  }, [expire]);

  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(expire, toast.durationMs ?? 8_000);
    return () => clearTimeout(timer);
  }, [isHeld, expire, toast.durationMs]);

  const hold = () => setHeld(true);
  const release = () => setHeld(false);
  return (
    <div className={styles['toast']} onPointerEnter={hold} onPointerLeave={release} onFocus={hold} onBlur={release}>
      <span>{toast.text}</span>
      {toast.action !== undefined && (
        <Button kind="quiet" small onClick={act}>
          {toast.action.label}
        </Button>
      )}
      <IconButton icon="close" label={t('close')} small onClick={expire} />
    </div>
  );
}
