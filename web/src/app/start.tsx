import type { ReactNode } from 'react';
import { startLanguage } from '@/i18n/language';
import { openBackends } from '@/live/openBackend';
import { ConfigurationInvalid, readConfiguration } from '@/transport/config';
import { signIn, SignInFailed } from '@/transport/signin';
import { App } from './App';
import { Loading } from './Loading';
import { startTheme } from './theme';
import { SignedOut, Unusable } from './Unusable';

/** What comes sooner needs no word that it is coming. */
const PATIENCE_MS = 300;

/** Reads what the client is to point at, signs in where it has to, and shows the page. */
export async function start(show: (page: ReactNode) => void): Promise<void> {
  startTheme();
  const opening = open();
  // What it fails with is said below, once there is a language to say it in.
  opening.catch(() => undefined);
  const asked = performance.now();
  await startLanguage();
  const timer = setTimeout(() => show(<Loading />), Math.max(0, PATIENCE_MS - (performance.now() - asked)));
  const page = await opening.catch(failed).finally(() => clearTimeout(timer));
  show(page);
}

function failed(error: unknown): ReactNode {
  if (error instanceof ConfigurationInvalid) return <Unusable reason={error.message} />;
  if (error instanceof SignInFailed) return <SignedOut failure={error} />;
  throw error;
}

async function open(): Promise<ReactNode> {
  const configuration = await readConfiguration();
  const session = configuration.auth === null ? null : await signIn(configuration.auth);
  const backends = openBackends(configuration, session?.token ?? null);
  return <App backends={backends} routing={configuration.routing} session={session} />;
}
