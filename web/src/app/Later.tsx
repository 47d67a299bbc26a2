import { Suspense, useState, type ComponentType, type ReactNode } from 'react';
import { renewable } from '@/ui/renewable';
import { chunk } from './chunk';

/** Makes a component of one that is loaded when it is first shown. Shown anew after it failed, it is loaded anew. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  waiting: ReactNode = null,
): ComponentType<P> {
  const part = renewable(chunk(load));
  return function Later(props: P) {
    const [Part] = useState(part);
    return (
      <Suspense fallback={waiting}>
        <Part {...props} />
      </Suspense>
    );
  };
}
