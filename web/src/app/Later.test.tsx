// @vitest-environment jsdom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it, vi } from 'vitest';
import { startLanguage } from '@/i18n/language';
import { Panel } from '@/ui/Failure';
import { later } from './Later';

it('says that nobody answered, and is there when it is tried again', async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await startLanguage('en');
  const load = vi
    .fn<() => Promise<() => string>>()
    .mockRejectedValueOnce(new TypeError('Failed to fetch'))
    .mockResolvedValue(() => 'here');
  const Part = later(load);
  const box = document.createElement('div');
  const root = createRoot(box);
  await act(() => {
    root.render(
      <Panel>
        <Part />
      </Panel>,
    );
    return Promise.resolve();
  });
  expect(box.textContent).toContain('does not answer');
  await act(() => {
    box.querySelector('button')?.click();
    return Promise.resolve();
  });
  expect(box.textContent).toBe('here');
  expect(load).toHaveBeenCalledTimes(2);
  act(() => root.unmount());
});
