// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import i18next from 'i18next';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { startLanguage } from '@/i18n/language';
import { BackendContext, type Backend } from '@/live/backend';
import type { StartRequest } from '@/protocol/types';
import { ApiProblem, Unreachable, type Api, type Council, type ModelSurvey } from '@/transport/api';
import { characters } from '@/ui/characters';
import { Toasts } from '@/ui/Toasts';
import { AskPage } from './AskPage';
import { modelsOf } from './modelsOf';
import { faultsOf, fieldOf, leftOf, requestOf, sentAs } from './question';
import { settled } from './useCouncilChoice';

const MAGI: Council = {
  id: 'magi',
  rule: 'judge',
  agents: [
    { agentId: 'caspar', name: 'CASPAR', role: 'sage', systemPrompt: 'x' },
    { agentId: 'solomon', name: 'SOLOMON', role: 'judge', systemPrompt: 'x' },
  ],
  preset: true,
  updatedAt: null,
};
const BOARD: Council = { ...MAGI, id: 'board', preset: false, updatedAt: '2026-01-01T00:00:00.000Z' };

describe('a question', () => {
  test('is counted as the server counts', () => {
    expect(characters('😀a')).toBe(2);
    expect(leftOf('question', 'x'.repeat(28_000))).toBeNull();
    expect(leftOf('question', 'x'.repeat(31_990))).toBe(10);
    expect(leftOf('approveIf', 'x'.repeat(16_001))).toBe(-1);
    expect(leftOf('question', '😀'.repeat(20_000))).toBeNull();
  });

  test.each([
    ['', 'empty'],
    [' \n\u200b\u3000', 'empty'],
    ['x'.repeat(32_001), 'tooLong'],
    [` ${'x'.repeat(32_000)}\n`, undefined],
    ['。', undefined],
  ])('%j is %s', (question, fault) => {
    expect(faultsOf({ question, approveIf: '', rejectIf: '' }).question).toBe(fault);
  });

  test('keeps its key until it is another request', () => {
    const keys = ['one', 'two'];
    const next = () => keys.shift() ?? 'none';
    const request = requestOf({ question: ' Q ', approveIf: '', rejectIf: '' }, 'magi');
    expect(request).toEqual({ question: 'Q', council: 'magi' });
    const first = sentAs(request, null, next);
    expect(sentAs({ ...request }, first, next)).toBe(first);
    expect(sentAs({ ...request, council: 'board' }, first, next).key).toBe('two');
  });

  test.each([
    ['question', 'question'],
    ['criteria.rejectIf', 'rejectIf'],
    ['council', 'council'],
    ['agents.caspar.model', 'council'],
    ['councils', null],
    ['sessionId', null],
    [undefined, null],
  ])('a fault at %s is shown at %s', (path, field) => {
    expect(fieldOf(path)).toBe(field);
  });
});

describe('the council that is asked', () => {
  test('is the wish, the preset where there is no such, and the preset where none are known', () => {
    expect(settled('board', [BOARD, MAGI], false)).toMatchObject({ id: 'board', missing: null });
    expect(settled('gone', [BOARD, MAGI], false)).toMatchObject({ id: 'magi', missing: 'gone' });
    expect(settled('board', null, false).id).toBe('board');
    expect(settled('board', null, true).id).toBe('magi');
    expect(settled('magi', [BOARD, MAGI], false).councils?.map(({ id }) => id)).toEqual(['magi', 'board']);
  });

  test('says what its models are as far as that is known', () => {
    const withModels = (...models: (string | null)[]): Council => ({
      ...MAGI,
      agents: models.map((model, at) => ({
        agentId: `a${at}`,
        name: `A${at}`,
        role: 'sage',
        systemPrompt: 'x',
        model,
      })),
    });
    const survey: ModelSurvey = {
      default: { a1: 'ollama:y' },
      otherwise: 'embedded',
      items: [
        { prefix: 'embedded', example: 'embedded', note: null, usable: true, reason: null },
        { prefix: 'ollama', example: 'ollama:x', note: null, usable: false, reason: 'Start it.' },
      ],
    };
    expect(modelsOf(withModels('embedded', 'embedded'), survey).ruleBased).toBe('all');
    expect(modelsOf(withModels('embedded', 'ollama:x'), survey)).toEqual({
      ruleBased: 'some',
      unusable: { name: 'A1', model: 'ollama:x', reason: 'Start it.' },
    });
    expect(modelsOf(withModels('ollama:x'), null)).toEqual({ ruleBased: 'none', unusable: null });
    expect(modelsOf(withModels(null, 'embedded'), survey).ruleBased).toBe('all');
    expect(modelsOf(withModels(null, null), survey).unusable?.model).toBe('ollama:y');
    expect(modelsOf(withModels(null, null), null)).toEqual({ ruleBased: 'none', unusable: null });
  });
});

describe('the page', () => {
  let root: Root;
  let place: ReturnType<typeof memoryLocation>;
  let keys: string[];
  let start: (request: StartRequest, key: string, signal?: AbortSignal) => Promise<string>;

  beforeEach(async () => {
    (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
    sessionStorage.clear();
    localStorage.clear();
    vi.stubGlobal('matchMedia', () => ({ matches: false }));
    keys = [];
    if (!i18next.isInitialized) await startLanguage('en');
  });
  afterEach(() => {
    act(() => root.unmount());
    document.body.replaceChildren();
    vi.unstubAllGlobals();
  });

  async function open(path = '/', councils: () => Promise<readonly Council[]> = () => Promise.resolve([MAGI, BOARD])) {
    const api: Partial<Api> = {
      start: (request, key, signal) => {
        keys.push(key);
        return start(request, key, signal);
      },
      councils,
      models: () => Promise.resolve({ items: [], default: {}, otherwise: 'embedded' }),
      list: () => Promise.resolve({ items: [], nextCursor: null }),
    };
    const backend: Backend = {
      key: '0',
      name: 'test',
      kind: 'direct',
      api: api as Api,
      deliberation: () => {
        throw new Error('not followed here');
      },
    };
    place = memoryLocation({ path, record: true });
    const host = document.body.appendChild(document.createElement('div'));
    root = createRoot(host);
    act(() =>
      root.render(
        <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
          <BackendContext value={backend}>
            <Router hook={place.hook} searchHook={place.searchHook}>
              <Toasts>
                <AskPage />
              </Toasts>
            </Router>
          </BackendContext>
        </QueryClientProvider>,
      ),
    );
    // Both lists have come, or have failed.
    await vi.waitFor(async () => {
      await act(() => Promise.resolve());
      if (select().disabled && !text().includes('could not be loaded')) throw new Error('still loading');
    });
  }
  const box = () => query('textarea', HTMLTextAreaElement);
  const select = () => query('select', HTMLSelectElement);
  function query<T extends Element>(selector: string, kind: new () => T): T {
    const found = document.querySelector(selector);
    if (!(found instanceof kind)) throw new Error(`there is no ${selector}`);
    return found;
  }
  function write(text: string) {
    // React looks for a change behind its own setter.
    const set = Reflect.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set;
    act(() => {
      set?.call(box(), text);
      box().dispatchEvent(new Event('input', { bubbles: true }));
    });
  }
  const press = (key: string, more: KeyboardEventInit = {}) =>
    act(async () => {
      box().dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
      await Promise.resolve();
    });
  const text = () => document.body.textContent;

  test('sends with Ctrl+Enter, leaves Enter to the text, and goes to the deliberation', async () => {
    const asked: StartRequest[] = [];
    start = (request) => (asked.push(request), Promise.resolve('d-1'));
    await open('/?council=board');
    write('Should we?');
    await press('Enter');
    await press('Enter', { ctrlKey: true, isComposing: true });
    expect(asked).toEqual([]);
    await press('Enter', { ctrlKey: true });
    expect(asked).toEqual([{ question: 'Should we?', council: 'board' }]);
    expect(place.history.at(-1)).toBe('/d/d-1');
    expect(sessionStorage.getItem('magi.ask.draft')).not.toContain('Should');
  });

  test('sends the same question under the same key after a lost answer, also after a reload, and a new one anew', async () => {
    start = () => Promise.reject(new Unreachable('gone'));
    await open();
    write('Should we?');
    await press('Enter', { metaKey: true });
    expect(text()).toContain('No answer came');
    expect(box().value).toBe('Should we?');
    act(() => root.unmount());
    await open();
    expect(box().value).toBe('Should we?');
    await press('Enter', { metaKey: true });
    start = () => Promise.resolve('d-1');
    await press('Enter', { metaKey: true });
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
    write('Should we really?');
    await press('Enter', { metaKey: true });
    expect(new Set(keys).size).toBe(2);
  });

  test('stops waiting at Escape, keeps the text, and does not go anywhere when the answer comes after all', async () => {
    let answer: (id: string) => void = () => undefined;
    let signal: AbortSignal | undefined;
    start = (_request, _key, given) => {
      signal = given;
      return new Promise((resolve) => (answer = resolve));
    };
    await open();
    write('Should we?');
    await press('Enter', { ctrlKey: true });
    await press('Enter', { ctrlKey: true });
    expect(keys).toHaveLength(1);
    await press('Escape');
    expect(signal?.aborted).toBe(true);
    await act(async () => {
      answer('d-1');
      await Promise.resolve();
    });
    expect(place.history).toEqual(['/']);
    expect(box().value).toBe('Should we?');
    expect(text()).toContain('You stopped waiting');
  });

  test('waits for its turn at a server that is overloaded, says so, and asks under the same key', async () => {
    const overloaded = { title: 'Service Unavailable', status: 503, code: 'overloaded', detail: 'Busy.' };
    start = () => Promise.reject(new ApiProblem(503, overloaded, 0));
    await open();
    write('Should we?');
    await press('Enter', { ctrlKey: true });
    expect(text()).toContain('The server is busy. The question waits for its turn.');
    start = () => Promise.resolve('d-1');
    await vi.waitFor(() => expect(place.history.at(-1)).toBe('/d/d-1'));
    expect(new Set(keys).size).toBe(1);
  });

  test('shows a refusal at the field it names', async () => {
    start = () =>
      Promise.reject(
        new ApiProblem(400, {
          title: 'Bad Request',
          status: 400,
          code: 'invalid_request',
          detail: '`question`: Too odd.',
          field: 'question',
        }),
      );
    await open();
    write('Should we?');
    await press('Enter', { ctrlKey: true });
    expect(box().getAttribute('aria-invalid')).toBe('true');
    const described = box().getAttribute('aria-describedby') ?? '';
    expect(document.getElementById(described)?.textContent).toBe('Too odd.');
    write('Should we now?');
    expect(box().hasAttribute('aria-invalid')).toBe(false);
  });

  test('asks the preset where the councils cannot be loaded, and says so', async () => {
    const asked: StartRequest[] = [];
    start = (request) => (asked.push(request), Promise.resolve('d-1'));
    await open('/?council=board', () => Promise.reject(new Unreachable('gone')));
    expect(text()).toContain('could not be loaded');
    write('Should we?');
    await press('Enter', { ctrlKey: true });
    expect(asked[0]?.council).toBe('magi');
  });

  test('remembers the council of a link, if there is such a council', async () => {
    await open('/?council=board');
    act(() => root.unmount());
    await open('/?council=gone');
    act(() => root.unmount());
    await open();
    expect(select().value).toBe('board');
  });

  test('remembers the council', async () => {
    start = () => Promise.resolve('d-1');
    await open();
    act(() => {
      select().value = 'board';
      select().dispatchEvent(new Event('change', { bubbles: true }));
    });
    act(() => root.unmount());
    await open();
    expect(select().value).toBe('board');
  });
});
