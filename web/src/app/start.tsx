import type { ReactNode } from 'react';
import { startLanguage } from '@/i18n/language';
import { startTheme } from './theme';

/** Reads what the client is to point at, and gives the page. */
export async function start(): Promise<ReactNode> {
  startTheme();
  await startLanguage();
  return null;
}
