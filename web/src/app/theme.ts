/** Light or dark: as the system says, until somebody chooses. */
import { useCallback, useEffect, useState } from 'react';
import { keep, kept } from '@/ui/kept';

export type Theme = 'light' | 'dark';

const KEPT = 'theme';
const SYSTEM = '(prefers-color-scheme: light)';

function chosen(): Theme | null {
  const theme = kept(KEPT);
  return theme === 'light' || theme === 'dark' ? theme : null;
}

function preferred(): Theme {
  return chosen() ?? (matchMedia(SYSTEM).matches ? 'light' : 'dark');
}

/** Puts the theme on the page; called once before the first paint. */
export function startTheme(): void {
  document.documentElement.dataset['theme'] = preferred();
}

export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(preferred);
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  useEffect(() => {
    const system = matchMedia(SYSTEM);
    const follow = () => setTheme(preferred());
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }, []);
  const choose = useCallback((next: Theme) => {
    keep(KEPT, next);
    setTheme(next);
  }, []);
  return [theme, choose];
}
