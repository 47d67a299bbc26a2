import { Component, type ErrorInfo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem, Unreachable } from '@/protocol/failures';
import { Button } from './Button';
import { Notice } from './Notice';

/** What happened and what to do, in the words of the page, for whatever a request was rejected with. */
export function useFailureWords(): (error: unknown) => string {
  const { t, i18n } = useTranslation('common');
  return (error) => {
    if (error instanceof Unreachable) {
      // What stands before the server has answered in words of its own.
      const key = `failure.status.${error.status}`;
      return i18n.exists(key) ? String(t(key as never)) : t('failure.unreachable');
    }
    if (!(error instanceof ApiProblem)) return t('failure.unexpected');
    const key = `failure.code.${error.problem.code}`;
    // The server's own words name field, reason and mend, in English; a translation stands in where there is one.
    return i18n.exists(key) ? String(t(key as never)) : error.problem.detail;
  };
}

/** A panel that could not be filled, and the way to try again. */
export function FailureNotice({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const { t } = useTranslation('common');
  const words = useFailureWords();
  const waitS = error instanceof ApiProblem ? error.retryAfterS : null;
  return (
    <Notice
      kind="danger"
      role="alert"
      title={words(error)}
      actions={
        onRetry && (
          <Button small icon="retry" onClick={onRetry}>
            {t('retry')}
          </Button>
        )
      }
    >
      {waitS === null ? undefined : t('failure.wait', { n: Math.ceil(waitS) })}
    </Notice>
  );
}

interface PanelProps {
  readonly children: ReactNode;
  /** The fault is forgotten when this changes, such as the path. */
  readonly resetKey?: string;
}

/** Keeps a fault in one panel from taking the others with it. */
export class Panel extends Component<PanelProps, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error('A panel failed', error, info.componentStack);
  }

  override componentDidUpdate(before: PanelProps) {
    if (before.resetKey !== this.props.resetKey && this.state.error !== null) this.setState({ error: null });
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <FailureNotice error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}
