// @vitest-environment jsdom
import i18next from 'i18next';
import { afterEach, expect, test, vi } from 'vitest';
import { startLanguage } from './language';

afterEach(() => vi.restoreAllMocks());

test('a number in a text is written as its readers write it; words stay as they are', async () => {
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['en-IN']);
  await startLanguage('en');
  const said = (n: number | string) => i18next.t('nEvents', { ns: 'trace', n } as never);
  expect(said(1_234_567)).toBe('12,34,567 events');
  expect(said('1098')).toBe('1098 events');
});
