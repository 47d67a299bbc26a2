// @vitest-environment node
/** What each kind of backend is sent, and that both give the same for it. */
import { describe, expect, it, vi } from 'vitest';
import type { Api } from './api';
import { directApi, directWays } from './direct';
import { Following, type Ways } from './following';
import { Http } from './http';
import { agentCoreEndpoint, lambdaEndpoint, runtimeApi, runtimeWays } from './runtimes';
import { FakePage, frame, logOf, QUICK, streamTo } from './testing/logs';
import { refuse, reply, serve, type Asked, type WebServer } from './testing/webServer';

const LOG = logOf(5);
const STATE = { status: 'running', cursor: 0, lanes: [] };
const ITEMS = { items: [], nextCursor: null };
const COUNCIL = { id: 'mine', rule: 'judge', agents: [], preset: false, updatedAt: '2026' } as const;
const ARN = 'arn:aws:bedrock-agentcore:us-east-1:1:runtime/magi-X';

const http = new Http(() => Promise.resolve('secret'));
const TIMING = { ...QUICK, firstByteMs: 50 };

interface Kind {
  readonly open: (server: WebServer) => { readonly api: Api; readonly ways: Ways };
  /** What was asked, in short. */
  readonly told: (asked: Asked) => unknown;
}

const KINDS: Readonly<Record<'direct' | 'runtime', Kind>> = {
  direct: {
    open: ({ url }) => ({ api: directApi(http, url), ways: directWays(http, url, null, TIMING) }),
    told: ({ method, path, query, body }) => [method, path, Object.fromEntries(query), body],
  },
  runtime: {
    open: ({ url }) => {
      const endpoint = lambdaEndpoint(url);
      return { api: runtimeApi(http, endpoint), ways: runtimeWays(http, endpoint, TIMING) };
    },
    told: ({ method, path, body }) => [method, path, body],
  },
};

const post = (body: object) => ['POST', '/invocations', body];

/** Each verb, what the server answers it with, what comes of it, and what each kind of backend is asked. */
const VERBS: readonly {
  readonly name: string;
  readonly call: (api: Api) => Promise<unknown>;
  readonly answer: object;
  readonly gives: unknown;
  readonly direct: unknown;
  readonly runtime: unknown;
}[] = [
  {
    name: 'start',
    call: (api) => api.start({ question: 'Q?' }, 'key'),
    answer: { deliberationId: 'd' },
    gives: 'd',
    direct: ['POST', '/invocations', {}, { question: 'Q?', idempotencyKey: 'key', detached: true }],
    runtime: post({ sessionId: null, question: 'Q?', idempotencyKey: 'key', detached: true }),
  },
  {
    name: 'state',
    call: (api) => api.state('d/1'),
    answer: STATE,
    gives: STATE,
    direct: ['GET', '/deliberations/d%2F1', {}, null],
    runtime: post({ action: 'get', deliberationId: 'd/1' }),
  },
  {
    name: 'cancel',
    call: (api) => api.cancel('d'),
    answer: STATE,
    gives: STATE,
    direct: ['POST', '/deliberations/d/cancel', {}, null],
    runtime: post({ action: 'cancel', deliberationId: 'd' }),
  },
  {
    name: 'forget',
    call: (api) => api.forget('d', { keepalive: true }),
    answer: {},
    gives: undefined,
    direct: ['DELETE', '/deliberations/d', {}, null],
    runtime: post({ action: 'delete', deliberationId: 'd' }),
  },
  {
    name: 'rename',
    call: (api) => api.rename('d', null),
    answer: {},
    gives: undefined,
    direct: ['PATCH', '/deliberations/d', {}, { title: null }],
    runtime: post({ action: 'rename', deliberationId: 'd', title: null }),
  },
  {
    name: 'list',
    call: (api) => api.list({ q: 'a b', limit: 5, cursor: '' }),
    answer: ITEMS,
    gives: ITEMS,
    direct: ['GET', '/deliberations', { q: 'a b', limit: '5' }, null],
    runtime: post({ action: 'list', q: 'a b', limit: 5 }),
  },
  {
    name: 'councils',
    call: (api) => api.councils(),
    answer: { items: [COUNCIL] },
    gives: [COUNCIL],
    direct: ['GET', '/councils', {}, null],
    runtime: post({ action: 'councils' }),
  },
  {
    name: 'putCouncil',
    call: (api) => api.putCouncil(COUNCIL),
    answer: COUNCIL,
    gives: COUNCIL,
    direct: ['PUT', '/councils/mine', {}, { rule: 'judge', agents: [] }],
    runtime: post({ action: 'put_council', councilId: 'mine', council: { rule: 'judge', agents: [] } }),
  },
  {
    name: 'deleteCouncil',
    call: (api) => api.deleteCouncil('mine'),
    answer: {},
    gives: undefined,
    direct: ['DELETE', '/councils/mine', {}, null],
    runtime: post({ action: 'delete_council', councilId: 'mine' }),
  },
  {
    name: 'models',
    call: (api) => api.models(),
    answer: { items: [], default: {}, otherwise: 'embedded' },
    gives: { items: [], default: {}, otherwise: 'embedded' },
    direct: ['GET', '/models', {}, null],
    runtime: post({ action: 'models' }),
  },
];

describe.each(['direct', 'runtime'] as const)('a %s backend', (name) => {
  const kind = KINDS[name];

  it.each(VERBS)('is told to $name', async (verb) => {
    const server = await serve((_, response) => reply(response, 200, verb.answer));
    expect(await verb.call(kind.open(server).api)).toEqual(verb.gives);
    expect(server.asked.map(kind.told)).toEqual([verb[name]]);
    expect(server.asked[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('refuses an answer that is none to the question', async () => {
    const server = await serve((_, response) => reply(response, 200, { something: 'else' }));
    await expect(kind.open(server).api.state('d')).rejects.toMatchObject({ name: 'Unreachable', status: 200 });
  });

  it('is followed over a stream that is cut at every event, and over polls, from the cursor on', async () => {
    const server = await serve((asked, response) => {
      const after = Number(asked.query.get('after') ?? asked.body?.['after']);
      const isPoll = asked.query.has('wait') || asked.body?.['stream'] === false;
      if (isPoll) {
        response.end(`{"events":[${LOG.slice(after, after + 1).join(',')}],"cursor":0,"done":${after === 4}}`);
        return;
      }
      // After the third event nothing is streamed any more.
      if (after >= 3) return;
      streamTo(response);
      response.write(frame(LOG[after] ?? ''), () => setTimeout(() => response.destroy(), 2));
    });
    const { ways } = kind.open(server);
    const following = new Following('d', ways, new FakePage(), TIMING, () => undefined);
    const texts: string[] = [];
    for await (const batch of following.batches()) texts.push(...batch.map(({ text }) => text));
    expect(texts).toEqual(LOG);
    expect(server.asked).toHaveLength(6);
  });
});

it("names a council's fields at fault alike, whether it is the body or within it", async () => {
  const faultsOf = (prefix: string) => {
    const field = `${prefix}agents.0.model`;
    const message = `\`${field}\`: It must be a model's name.`;
    return { field, detail: message, faults: [{ field, message }] };
  };
  const server = await serve(({ path }, response) => {
    const prefix = path === '/invocations' ? 'council.' : '';
    refuse(response, 400, 'invalid_request', faultsOf(prefix));
  });
  for (const kind of [KINDS.direct, KINDS.runtime]) {
    await expect(kind.open(server).api.putCouncil(COUNCIL)).rejects.toMatchObject({ problem: faultsOf('') });
  }
});

describe('an AgentCore runtime', () => {
  it('is reached at the path of its ARN, always with the same session', async () => {
    vi.stubGlobal('localStorage', storage());
    const server = await serve((_, response) => reply(response, 200, STATE));
    const config = { kind: 'agentcore', name: 'n', arn: ARN, region: 'us-east-1', qualifier: 'DEFAULT' } as const;
    for (let n = 0; n < 2; n += 1) {
      await runtimeApi(http, agentCoreEndpoint({ ...config, endpoint: server.url })).state('d');
    }
    const [first, second] = server.asked;
    expect(first?.path).toBe(`/runtimes/${encodeURIComponent(ARN)}/invocations`);
    expect(first?.query.get('qualifier')).toBe('DEFAULT');
    const session = first?.headers['x-amzn-bedrock-agentcore-runtime-session-id'];
    expect(session).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{32,99}$/);
    expect(second?.headers['x-amzn-bedrock-agentcore-runtime-session-id']).toBe(session);
    expect(agentCoreEndpoint(config).url).toMatch(
      /^https:\/\/bedrock-agentcore\.us-east-1\.amazonaws\.com\/runtimes\/arn%3A/,
    );
    vi.unstubAllGlobals();
  });

  it('is reached where nothing may be stored', () => {
    vi.stubGlobal('localStorage', undefined);
    const config = { kind: 'agentcore', name: 'n', arn: ARN, region: 'us-east-1', qualifier: 'DEFAULT' } as const;
    expect(Object.values(agentCoreEndpoint(config).headers)[0]?.length).toBeGreaterThan(32);
    vi.unstubAllGlobals();
  });
});

function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
}
