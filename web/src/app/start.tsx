import type { ReactNode } from 'react';
import { startLanguage } from '@/i18n/language';
import { openBackends } from '@/live/openBackend';
import { ConfigurationInvalid, readConfiguration } from '@/transport/config';
import { App } from './App';
import { Unusable } from './Unusable';
import { startTheme } from './theme';

/** Reads what the client is to point at, and gives the page. */
export async function start(): Promise<ReactNode> {
  startTheme();
  const [, configuration] = await Promise.all([startLanguage(), readConfiguration().catch(asFault)]);
  if (configuration instanceof ConfigurationInvalid) return <Unusable reason={configuration.message} />;
  return <App backends={openBackends(configuration, null)} routing={configuration.routing} />;
}

function asFault(error: unknown): ConfigurationInvalid {
  if (error instanceof ConfigurationInvalid) return error;
  throw error;
}
