import type { ReactNode } from 'react';
import { startLanguage } from '@/i18n/language';
import { openBackends } from '@/live/openBackend';
import { ConfigurationInvalid, readConfiguration } from '@/transport/config';
import { signIn, SignInFailed } from '@/transport/signin';
import { App } from './App';
import { startTheme } from './theme';
import { SignedOut, Unusable } from './Unusable';

/** Reads what the client is to point at, signs in where it has to, and gives the page. */
export async function start(): Promise<ReactNode> {
  startTheme();
  const opening = open();
  // What it fails with is said below, once there is a language to say it in.
  opening.catch(() => undefined);
  await startLanguage();
  try {
    return await opening;
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return <Unusable reason={error.message} />;
    if (error instanceof SignInFailed) return <SignedOut failure={error} />;
    throw error;
  }
}

async function open(): Promise<ReactNode> {
  const configuration = await readConfiguration();
  const session = configuration.auth === null ? null : await signIn(configuration.auth);
  const backends = openBackends(configuration, session?.token ?? null);
  return <App backends={backends} routing={configuration.routing} session={session} />;
}
