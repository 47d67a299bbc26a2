import type { ReactNode } from 'react';
import type { LiveDeliberation } from '@/live/live';

interface DeliberationPageProps {
  readonly id: string;
  /** The drawer that shows what happens underneath; another feature, put in by the app. */
  readonly renderTrace: (live: LiveDeliberation, onClose: () => void) => ReactNode;
}

export function DeliberationPage({ id }: DeliberationPageProps) {
  return <h1>{id}</h1>;
}
