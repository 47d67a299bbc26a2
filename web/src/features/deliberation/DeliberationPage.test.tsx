// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { startLanguage } from '@/i18n/language';
import { BackendContext, type Backend } from '@/live/backend';
import type { StartRequest } from '@/protocol/types';
import { ApiProblem, Unreachable, type Api, type Council } from '@/transport/api';
import { Announcer } from '@/ui/Announcer';
import { Toasts } from '@/ui/Toasts';
import { DeliberationPage } from './DeliberationPage';
import { begins, card, completes, ends, logOf, rules, says, startOf, ToldLive, votes } from './testing';

class Observer {
  observe() {
    return undefined;
  }
  disconnect() {
    return undefined;
  }
}

let box: HTMLElement;
let root: Root;
let live: ToldLive;
let place: ReturnType<typeof memoryLocation>;
let starts: (readonly [StartRequest, string])[];
let answer: () => Promise<string>;
let isNarrow: boolean;
let councils: readonly Council[];

beforeAll(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal('ResizeObserver', Observer);
  vi.stubGlobal('matchMedia', () => ({ matches: isNarrow, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  vi.stubGlobal('scrollTo', vi.fn());
  await startLanguage('en');
});

beforeEach(() => {
  isNarrow = false;
  councils = [];
  live = new ToldLive();
  place = memoryLocation({ path: '/d/d1', record: true });
  starts = [];
  answer = () => Promise.resolve('d2');
  box = document.createElement('div');
  document.body.append(box);
  root = createRoot(box);
});

afterEach(() => {
  act(() => root.unmount());
  box.remove();
  sessionStorage.clear();
  vi.useRealTimers();
});

function backend(): Backend {
  const api: Partial<Api> = {
    start: (request, key) => {
      starts.push([request, key]);
      return answer();
    },
    list: () => Promise.resolve({ items: [], nextCursor: null }),
    councils: () => Promise.resolve(councils),
  };
  return { key: '0', name: 'test', kind: 'direct', api: api as Api, deliberation: () => live };
}

async function open() {
  await act(async () => {
    root.render(
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <BackendContext value={backend()}>
          <Router hook={place.hook}>
            <Announcer>
              <Toasts>
                <DeliberationPage
                  id="d1"
                  renderTrace={(_, onClose) => <button onClick={onClose}>close trace</button>}
                />
              </Toasts>
            </Announcer>
          </Router>
        </BackendContext>
      </QueryClientProvider>,
    );
    await Promise.resolve();
  });
}

const tell = (news: Parameters<ToldLive['tell']>[0]) => act(async () => {
  live.tell(news);
  await Promise.resolve();
}); // prettier-ignore
const button = (name: string) => {
  const found = [...box.querySelectorAll('button')].find(({ textContent }) => textContent.includes(name));
  if (found === undefined) throw new Error(`There is no button "${name}"`);
  return found;
};
const press = (name: string) => act(async () => {
  button(name).click();
  await Promise.resolve();
}); // prettier-ignore
const has = (words: string) => box.textContent.includes(words);

function write(text: string) {
  const area = box.querySelector('textarea');
  if (area === null) throw new Error('There is no text area');
  act(() => {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(area, text);
    area.dispatchEvent(new Event('input', { bubbles: true }));
  });
}

const RUNNING = logOf(startOf(), begins('caspar'), says('caspar', 'words'));
const ENDED = logOf(startOf(), begins('caspar'), says('caspar', 'words'), votes('caspar'), ends('caspar'), begins('solomon'), says('solomon', 'I rule'), rules(), ends('solomon', { status: 'ruled' }), completes()); // prettier-ignore

describe('the deliberation page', () => {
  it('shows a lane for each sage, whatever their number, and the judge', async () => {
    const agents = ['a', 'b', 'c', 'd', 'e'].map((id) => card(id));
    await open();
    await tell({ events: logOf(startOf({ council: { id: 'five', rule: 'majority', agents } })) });
    expect([...box.querySelectorAll('[data-agent] h3')].map(({ textContent }) => textContent)).toEqual(['A', 'B', 'C', 'D', 'E']); // prettier-ignore
    expect(has('This council has no judge')).toBe(true);
  });

  it('shows the judge alone in a chat', async () => {
    await open();
    await tell({ events: logOf(startOf({ mode: 'chat' }), begins('solomon'), says('solomon', 'hello')) });
    expect([...box.querySelectorAll('[role=log]')]).toHaveLength(1);
    expect(has('CASPAR')).toBe(false);
  });

  it('says "stopping" when asked, and "stopped" only when the log says so', async () => {
    await open();
    await tell({ events: RUNNING });
    await press('Stop');
    expect(live.stops).toBe(1);
    expect(has('Stopping…')).toBe(true);
    expect(has('Stopped')).toBe(false);
    await press('Stopping…');
    expect(live.stops).toBe(1);
    button('Stopping…').focus();
    const receipt = { agents: [{ agentId: 'caspar', outputTokens: 12, estimated: true, upstreamClosed: false }] };
    await tell({ events: [...RUNNING, ...logOf(startOf(), startOf(), startOf(), { type: 'cancelled', by: 'owner', receipt }).slice(3)], stopping: 'no' }); // prettier-ignore
    expect(box.querySelector('[data-testid=state]')?.textContent).toBe('Stopped');
    expect(document.activeElement).toBe(box.querySelector('[data-testid=state]'));
    expect(has('CASPAR: about 12 output tokens, estimated; its stream could not be seen to close')).toBe(true);
  });

  it('says when the stop was not confirmed', async () => {
    await open();
    await tell({ events: RUNNING });
    await tell({ stopping: 'failed' });
    expect(has('did not confirm the stop')).toBe(true);
    await press('Try to stop again');
    expect(live.stops).toBe(1);
  });

  it('puts what limits the outcome above the verdict', async () => {
    await open();
    const missing = [{ agentId: 'melchior', cause: 'model_silent' }];
    const end = completes({ outcome: 'decided_degraded' }, { votersValid: 2, overturned: true, missing });
    await tell({ events: logOf(startOf(), begins('solomon'), rules(), end) });
    const text = box.querySelector('#conclusion')?.textContent ?? '';
    const places = ['Degraded: 2 of 3', 'MELCHIOR: no word came', 'Overturned', 'Verdict'].map((words) => text.indexOf(words)); // prettier-ignore
    expect(places).not.toContain(-1);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it('shows what the rule decided, and the judge that ruled otherwise beside it', async () => {
    await open();
    const end = completes({ decision: 'REJECTED', confidence: 0.9 }, { rule: 'majority' });
    await tell({ events: logOf(startOf(), begins('solomon'), rules(), end) });
    const verdict = box.querySelector('[data-testid=verdict]');
    expect(verdict?.querySelector('p')?.textContent).toBe('Rejected');
    expect(verdict?.textContent).toContain("The judge's own ruling: Approved, confidence 70%");
  });

  it('marks a log whose digest was verified, could not be, or does not match', async () => {
    await open();
    await tell({ events: ENDED, verified: null });
    expect(has('Digest not checked here')).toBe(true);
    await tell({ verified: true });
    expect(has('Complete, digest verified')).toBe(true);
    await tell({ verified: false });
    expect(has('does not match its digest')).toBe(true);
  });

  it('shows a lost connection after three seconds, and not before', async () => {
    vi.useFakeTimers();
    await open();
    await tell({ events: RUNNING, connection: { kind: 'lost', sinceMs: Date.now(), tries: 1 } });
    act(() => {
      vi.advanceTimersByTime(2_900);
    });
    expect(has('The connection has been lost')).toBe(false);
    act(() => {
      vi.advanceTimersByTime(200);
    });
    expect(has('The connection has been lost')).toBe(true);
    await press('Try now');
    expect(live.reconnects).toBe(1);
    await tell({ connection: { kind: 'open', carrier: 'poll', reason: 'buffered' } });
    expect(has('The connection has been lost')).toBe(false);
    expect(has('holds them back')).toBe(true);
  });

  it('gives way to the error where the log is refused, but keeps what came before', async () => {
    const problem = { title: 'x', status: 404, code: 'deliberation_not_found', detail: 'gone' };
    await open();
    await tell({ connection: { kind: 'refused', error: new ApiProblem(404, problem) } });
    expect(has('There is no such deliberation')).toBe(true);
    expect(box.querySelectorAll('[role=log]')).toHaveLength(0);
    await tell({ events: RUNNING });
    expect(has('There is no such deliberation')).toBe(true);
    expect(box.querySelectorAll('[role=log]').length).toBeGreaterThan(0);
  });

  it('claims no state that it cannot know, once the log is refused', async () => {
    const problem = { title: 'x', status: 404, code: 'deliberation_not_found', detail: 'gone' };
    const standing = () => box.querySelector('[data-testid=state]')?.textContent;
    vi.useFakeTimers();
    const isSaid = (words: string) => {
      act(() => {
        vi.advanceTimersByTime(1_300);
      });
      return box.querySelector('[data-testid=announcer]')?.textContent.includes(words);
    };
    await open();
    await tell({ events: RUNNING });
    expect(standing()).toBe('Deliberating');
    await tell({ connection: { kind: 'lost', sinceMs: Date.now() - 4_000, tries: 3 } });
    expect(standing()).toBe('Not known since the connection was lost');
    expect(has('Writing')).toBe(false);
    expect(isSaid('The connection is lost')).toBe(true);
    expect(button('Stop')).toBeDefined();
    await tell({ connection: { kind: 'refused', error: new ApiProblem(404, problem) } });
    expect(standing()).toBe('Not known: it can no longer be followed');
    expect(has('Writing')).toBe(false);
    expect(isSaid('The connection is back')).toBe(false);
    expect(() => button('Stop')).toThrow();
    await tell({ connection: { kind: 'connecting' } });
    expect(isSaid('The connection is back')).toBe(false);
    await tell({ connection: { kind: 'open', carrier: 'stream' } });
    expect(standing()).toBe('Deliberating');
    expect(isSaid('The connection is back')).toBe(true);
  });

  it('gives the focus back when the trace is closed', async () => {
    await open();
    await tell({ events: RUNNING });
    await press('Trace');
    await press('close trace');
    expect(document.activeElement?.textContent).toBe('Trace');
  });

  it('has tabs on a narrow screen, which arrow keys move through', async () => {
    isNarrow = true;
    await open();
    await tell({ events: logOf(startOf(), begins('caspar'), votes('caspar', 'REJECTED')) });
    const tabs = [...box.querySelectorAll<HTMLElement>('[role=tab]')];
    expect(tabs.map(({ textContent }) => textContent)).toEqual([
      'CASPARRejected',
      'BALTHASARWaiting',
      'MELCHIORWaiting',
    ]);
    act(() => {
      tabs[0]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
    });
    expect(document.activeElement).toBe(tabs[2]);
    const panels = [...box.querySelectorAll<HTMLElement>('[role=tabpanel]')];
    expect(panels.map(({ hidden }) => hidden)).toEqual([true, true, false]);
  });
});

describe('the next question', () => {
  it('is asked in the same session, of the judge alone where that is wanted, and leads to its page', async () => {
    await open();
    await tell({ events: ENDED });
    write('And then?');
    await press('Ask SOLOMON alone');
    expect(starts[0]?.[0]).toMatchObject({ question: 'And then?', sessionId: 's1', mode: 'chat' });
    expect(starts[0]?.[1]).toMatch(/^[0-9a-f]{32}$/);
    expect(place.history.at(-1)).toBe('/d/d2');
  });

  it('names the judge that the council has, and offers none where there is none', async () => {
    const agents = [card('a'), card('portia', { role: 'judge' })];
    await open();
    await tell({ events: logOf(startOf({ council: { id: 'own', rule: 'judge', agents } }), completes()) });
    expect(button('Ask PORTIA alone')).toBeDefined();
    await tell({ events: logOf(startOf({ council: { id: 'own', rule: 'majority', agents: [card('a')] } }), completes()) }); // prettier-ignore
    expect(() => button('alone')).toThrow();
  });

  it('names the judge of the council that will be asked, where that is not the one of this turn', async () => {
    const seat = (name: string) => ({ agentId: name, name, role: 'judge', systemPrompt: 'x' }) as const;
    councils = [{ id: 'magi', preset: true, updatedAt: null, agents: [seat('SOLOMON')] }];
    const agents = [card('a'), card('portia', { role: 'judge' })];
    await open();
    await tell({ events: logOf(startOf({ council: { id: 'gone', rule: 'judge', agents } }), completes()) });
    await act(() => new Promise((resolve) => setTimeout(resolve)));
    expect(button('Ask SOLOMON alone')).toBeDefined();
  });

  it('is kept over a reload until it has been started', async () => {
    await open();
    await tell({ events: ENDED });
    write('And then?');
    act(() => root.unmount());
    root = createRoot(box);
    await open();
    expect(box.querySelector('textarea')?.value).toBe('And then?');
    await press('again');
    expect(box.querySelector('textarea')?.value).toBe('');
    expect(sessionStorage).toHaveLength(0);
  });

  it('is counted as the server counts', async () => {
    await open();
    await tell({ events: ENDED });
    write('😀'.repeat(20_000));
    await press('again');
    expect(starts).toHaveLength(1);
    write('😀'.repeat(32_001));
    await press('again');
    expect(starts).toHaveLength(1);
    expect(has('32,001 characters')).toBe(true);
  });

  it('is kept where it could not be started, and tried again under the same key', async () => {
    answer = () => Promise.reject(new Unreachable('nobody'));
    await open();
    await tell({ events: ENDED });
    write('And then?');
    await press('again');
    expect(has('Not started')).toBe(true);
    expect(box.querySelector('textarea')?.value).toBe('And then?');
    await press('again');
    write('Another?');
    await press('again');
    const keys = starts.map(([, key]) => key);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
    expect(place.history).toEqual(['/d/d1']);
  });

  it('is not sent empty', async () => {
    await open();
    await tell({ events: ENDED });
    await press('again');
    expect(starts).toEqual([]);
    expect(has('Write a question first')).toBe(true);
  });

  it('waits until this one has ended', async () => {
    await open();
    await tell({ events: RUNNING });
    expect(box.querySelector('textarea')).toBeNull();
  });
});
