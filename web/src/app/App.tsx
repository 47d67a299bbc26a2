import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Route, Router, Switch, useLocation } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { AskPage } from '@/features/ask/AskPage';
import { DeliberationPage } from '@/features/deliberation/DeliberationPage';
import { BackendContext, type Backend } from '@/live/backend';
import { ApiProblem } from '@/protocol/failures';
import { Announcer } from '@/ui/Announcer';
import { Panel } from '@/ui/Failure';
import { keep, kept } from '@/ui/kept';
import { paths } from '@/ui/paths';
import { Toasts } from '@/ui/Toasts';
import styles from './App.module.css';
import { Header } from './Header';

const HistoryPage = lazy(async () => ({ default: (await import('@/features/history/HistoryPage')).HistoryPage }));
const ComparePage = lazy(async () => ({ default: (await import('@/features/compare/ComparePage')).ComparePage }));
const CouncilsPage = lazy(async () => ({ default: (await import('@/features/councils/CouncilsPage')).CouncilsPage }));
const TraceDrawer = lazy(async () => ({ default: (await import('@/features/trace/TraceDrawer')).TraceDrawer }));

interface AppProps {
  readonly backends: readonly Backend[];
  /** `hash` for static hosts that cannot answer every path with the page. */
  readonly routing: 'path' | 'hash';
  readonly onSignOut?: (() => void) | undefined;
}

const KEPT_BACKEND = 'backend';

export function App({ backends, routing, onSignOut }: AppProps) {
  const [key, setKey] = useState(() => kept(KEPT_BACKEND));
  const [queries] = useState(createQueries);
  const backend = backends.find((candidate) => candidate.key === key) ?? backends[0];
  if (backend === undefined) throw new Error('no backend is configured');
  const choose = (next: string) => {
    keep(KEPT_BACKEND, next);
    setKey(next);
  };
  return (
    <QueryClientProvider client={queries}>
      <BackendContext value={backend}>
        <Router {...(routing === 'hash' && { hook: useHashLocation })}>
          <Announcer>
            <Toasts>
              <Shell
                header={<Header backends={backends} backend={backend} onBackend={choose} onSignOut={onSignOut} />}
              />
            </Toasts>
          </Announcer>
        </Router>
      </BackendContext>
    </QueryClientProvider>
  );
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the server refused stays refused.
        retry: (tries, error) => !(error instanceof ApiProblem) && tries < 2,
      },
    },
  });
}

function Shell({ header }: { readonly header: ReactNode }) {
  const { t } = useTranslation('common');
  const [path] = useLocation();
  return (
    <>
      <a className={styles['skip']} href="#content" onClick={focusContent}>
        {t('skip')}
      </a>
      {header}
      <main id="content" className={styles['main']} tabIndex={-1}>
        <Panel resetKey={path}>
          <Suspense fallback={<p className={styles['loading']}>{t('loading')}</p>}>
            <Pages />
          </Suspense>
        </Panel>
      </main>
    </>
  );
}

/** Under hash routing the fragment is the path, so the link itself must not be followed. */
function focusContent(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Pages() {
  return (
    <Switch>
      <Route path="/">
        <AskPage />
      </Route>
      <Route path="/d/:id">
        {({ id }) => (
          <DeliberationPage
            key={id}
            id={id}
            renderTrace={(live, onClose) => (
              <Panel>
                <Suspense>
                  <TraceDrawer live={live} onClose={onClose} />
                </Suspense>
              </Panel>
            )}
          />
        )}
      </Route>
      <Route path="/history">
        <HistoryPage />
      </Route>
      <Route path="/compare">
        <ComparePage />
      </Route>
      <Route path="/councils">
        <CouncilsPage />
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function NotFound() {
  const { t } = useTranslation('common');
  return (
    <div className={styles['empty']}>
      <h1>{t('notFound.title')}</h1>
      <Link href={paths.ask}>{t('notFound.back')}</Link>
    </div>
  );
}
