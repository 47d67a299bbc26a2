import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Route, Router, Switch, useLocation } from 'wouter';
import { AskPage } from '@/features/ask/AskPage';
import { DeliberationPage } from '@/features/deliberation/DeliberationPage';
import { BackendContext, type Backend } from '@/live/backend';
import { ApiProblem } from '@/protocol/failures';
import type { Session } from '@/transport/signin';
import { Announcer } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { Panel } from '@/ui/Failure';
import { keep, kept } from '@/ui/kept';
import { Notice } from '@/ui/Notice';
import { usePageTitle } from '@/ui/pageTitle';
import { paths } from '@/ui/paths';
import { Toasts } from '@/ui/Toasts';
import styles from './App.module.css';

import { useFragmentLocation } from './fragmentRouting';
import { Header } from './Header';
import { later } from './Later';
import { Loading } from './Loading';
import { useBeginning } from './useBeginning';

const HistoryPage = later(async () => (await import('@/features/history/HistoryPage')).HistoryPage, <Loading />);
const ComparePage = later(async () => (await import('@/features/compare/ComparePage')).ComparePage, <Loading />);
const CouncilsPage = later(async () => (await import('@/features/councils/CouncilsPage')).CouncilsPage, <Loading />);
const TraceDrawer = later(async () => (await import('@/features/trace/TraceDrawer')).TraceDrawer);

interface AppProps {
  readonly backends: readonly Backend[];
  /** `hash` for static hosts that cannot answer every path with the page. */
  readonly routing: 'path' | 'hash';
  readonly session: Session | null;
}

const KEPT_BACKEND = 'backend';

export function App({ backends, routing, session }: AppProps) {
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
        <Router {...(routing === 'hash' && { hook: useFragmentLocation })}>
          <Announcer>
            <Toasts>
              <Shell
                header={<Header backends={backends} backend={backend} onBackend={choose} session={session} />}
                session={session}
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

function Shell({ header, session }: { readonly header: ReactNode; readonly session: Session | null }) {
  const { t } = useTranslation('common');
  const [path] = useLocation();
  useBeginning(path);
  return (
    <>
      <a className={styles['skip']} href="#content" onClick={focusContent}>
        {t('skip')}
      </a>
      {header}
      <main id="content" className={styles['main']} tabIndex={-1}>
        {session !== null && <SignInOver session={session} />}
        <Panel resetKey={path}>
          <Pages />
        </Panel>
      </main>
    </>
  );
}

/** Says when the sign-in cannot be renewed any more. What is on the page stays. */
function SignInOver({ session }: { readonly session: Session }) {
  const { t } = useTranslation('common');
  const [isOver, setOver] = useState(false);
  useEffect(() => session.onOver(() => setOver(true)), [session]);
  if (!isOver) return null;
  const again = (
    <Button small onClick={() => void session.again()}>
      {t('signIn.again')}
    </Button>
  );
  return (
    <div className={styles['over']}>
      <Notice kind="warning" role="alert" title={t('signIn.over')} actions={again} />
    </div>
  );
}

/** Under hash routing the fragment is the path, so the link itself must not be followed. */
function focusContent(event: { preventDefault: () => void }) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Pages() {
  const { t } = useTranslation('common');
  return (
    <Switch>
      <Route path="/">
        <Titled title={t('nav.ask')}>
          <AskPage />
        </Titled>
      </Route>
      <Route path="/d/:id">
        {({ id }) => (
          <DeliberationPage
            key={id}
            id={id}
            renderTrace={(live, onClose) => (
              <Panel>
                <TraceDrawer live={live} onClose={onClose} />
              </Panel>
            )}
          />
        )}
      </Route>
      <Route path="/history">
        <Titled title={t('nav.history')}>
          <HistoryPage />
        </Titled>
      </Route>
      <Route path="/compare">
        <Titled title={t('nav.compare')}>
          <ComparePage />
        </Titled>
      </Route>
      <Route path="/councils">
        <Titled title={t('nav.councils')}>
          <CouncilsPage />
        </Titled>
      </Route>
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

function Titled({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  usePageTitle(title);
  return children;
}

function NotFound() {
  const { t } = useTranslation('common');
  usePageTitle(t('notFound.title'));
  return (
    <div className={styles['empty']}>
      <h1>{t('notFound.title')}</h1>
      <Link href={paths.ask}>{t('notFound.back')}</Link>
    </div>
  );
}
