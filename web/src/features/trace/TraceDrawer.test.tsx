// @vitest-environment jsdom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { startLanguage } from '@/i18n/language';
import type { LiveDeliberation } from '@/live/live';
import { Replay } from '@/live/replay';
import type { MagiEvent } from '@/protocol/types';
import { Toasts } from '@/ui/Toasts';
import { TraceDrawer } from './TraceDrawer';

const HOSTILE = '<img src=x onerror="document.title=1">';
const agents = [{ agentId: 'caspar', name: 'CASPAR', role: 'sage', model: 'm' }];
const LOG = [
  { type: 'start', question: HOSTILE, council: { id: 'magi', rule: 'judge', agents } },
  { type: 'agent_start', agentId: 'caspar', attempt: 1, model: 'm' },
  { type: 'trace', agentId: 'caspar', trace: { action: HOSTILE, details: HOSTILE } },
  ...Array.from({ length: 2_000 }, () => ({ type: 'chunk', agentId: 'caspar', content: HOSTILE })),
].map(
  (draft, place) =>
    ({ ...draft, seq: place + 1, timestamp: new Date(10 * place).toISOString() }) as unknown as MagiEvent,
);

let root: Root;
let element: HTMLElement;
let opener: HTMLButtonElement;
let isNarrow = false;

beforeAll(() => startLanguage('en'));
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {
        return;
      }
      disconnect() {
        return;
      }
    },
  );
  vi.stubGlobal('matchMedia', () => ({ matches: isNarrow, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  isNarrow = false;
  opener = document.createElement('button');
  element = document.createElement('div');
  document.body.append(opener, element);
  opener.focus();
  root = createRoot(element);
});
afterEach(() => {
  act(() => root.unmount());
  element.remove();
  opener.remove();
});

function open(live: LiveDeliberation = new Replay('d', LOG)) {
  const onClose = vi.fn();
  act(() =>
    root.render(
      <Toasts>
        <TraceDrawer live={live} onClose={onClose} />
      </Toasts>,
    ),
  );
  return onClose;
}

function key(target: EventTarget | null, name: string): void {
  act(() => {
    target?.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
  });
}

it('takes the focus, closes with Escape wherever the focus is, and gives the focus back', () => {
  const onClose = open();
  expect(document.activeElement?.tagName).toBe('H2');
  key(document.body, 'Escape');
  expect(onClose).toHaveBeenCalledOnce();
  act(() => root.render(null));
  expect(document.activeElement).toBe(opener);
});

it('keeps the rest of the page out of reach where it covers it, and no longer', () => {
  const page = document.createElement('main');
  page.id = 'content';
  element.before(page);
  open();
  expect(page.hasAttribute('inert')).toBe(false);
  act(() => root.render(null));
  isNarrow = true;
  open();
  expect(page.hasAttribute('inert')).toBe(true);
  expect(opener.hasAttribute('inert')).toBe(true);
  expect(element.hasAttribute('inert')).toBe(false);
  expect(document.querySelector('[role=dialog]')?.getAttribute('aria-modal')).toBe('true');
  act(() => root.render(null));
  expect(document.querySelector('[inert]')).toBeNull();
  expect(document.activeElement).toBe(opener);
  page.remove();
});

it('leaves Escape to what has answered it', () => {
  const onClose = open();
  const answered = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, cancelable: true });
  answered.preventDefault();
  act(() => {
    document.body.dispatchEvent(answered);
  });
  expect(onClose).not.toHaveBeenCalled();
});

it('goes from view to view by the arrow keys, round the end', () => {
  open();
  key(document.querySelector('[role=tab]'), 'ArrowLeft');
  expect(document.activeElement?.textContent).toBe('Events');
  expect(document.querySelector('[role=tabpanel]')?.getAttribute('aria-labelledby')).toBe(document.activeElement?.id);
  key(document.activeElement, 'ArrowRight');
  expect(document.activeElement?.textContent).toBe('Timeline');
});

it('shows what the server wrote as text, and makes only the lines in sight', () => {
  open();
  const option = [...document.querySelectorAll('[role=option]')].find((found) =>
    found.getAttribute('aria-label')?.includes(HOSTILE),
  );
  act(() => {
    option?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  });
  expect(document.body.textContent).toContain(HOSTILE);
  key(document.querySelector('[role=tab]'), 'End');
  expect(document.querySelectorAll('[role=option]').length).toBeLessThan(100);
  expect(document.querySelector('[role=option]')?.getAttribute('aria-setsize')).toBe('2003');
  expect(document.querySelector('img')).toBeNull();
});

it('says that there is nothing where there is nothing', () => {
  open(new Replay('d', []));
  expect(document.body.textContent).toContain('There are no events to show.');
});
