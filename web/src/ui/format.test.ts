// @vitest-environment jsdom
import { afterEach, expect, test, vi } from 'vitest';
import { localeOf } from './format';

afterEach(() => vi.restoreAllMocks());

test.each([
  [['en-GB', 'en-US'], 'en', 'en-GB'],
  [['ja-JP', 'en-AU', 'en'], 'en', 'en-AU'],
  [['de-DE'], 'en', 'en'],
  [['en-US@posix', 'en-IE'], 'en', 'en-IE'],
  [[], 'ja', 'ja'],
])('a reader of %j on a page in %s reads numbers and dates as in %s', (languages, page, locale) => {
  vi.spyOn(navigator, 'languages', 'get').mockReturnValue(languages);
  expect(localeOf(page)).toBe(locale);
});
