/** Opens what the configuration names. */
import type { Api } from '@/transport/api';
import type { BackendConfig, Configuration } from '@/transport/config';
import { directApi, directWays } from '@/transport/direct';
import type { Ways } from '@/transport/following';
import { Http, type TokenSource } from '@/transport/http';
import { BrowserPage, type Page } from '@/transport/page';
import { TIMING } from '@/transport/patience';
import { agentCoreEndpoint, lambdaEndpoint, runtimeApi, runtimeWays } from '@/transport/runtimes';
import { SharedSocket, socketUrl } from '@/transport/socket';
import type { Backend } from './backend';
import { Registry } from './registry';

// Long enough for a page to be left and come back to, and for React to take a component down and up again.
const GRACE_MS = 5_000;

/** Opens every backend of the configuration; `token` is null where nobody signs in. */
export function openBackends(configuration: Configuration, token: TokenSource | null): readonly Backend[] {
  const page = new BrowserPage();
  return configuration.backends.map((config, place) => openBackend(config, String(place), token, page));
}

/** Opens one; `key` is its place in the configuration. */
export function openBackend(config: BackendConfig, key: string, token: TokenSource | null, page: Page): Backend {
  const { api, ways } = opened(config, token, page);
  const registry = new Registry({ api, ways, page, timing: TIMING, graceMs: GRACE_MS });
  return {
    key,
    name: config.name,
    kind: config.kind,
    api,
    deliberation: (id) => registry.deliberation(id),
  };
}

function opened(config: BackendConfig, token: TokenSource | null, page: Page): { api: Api; ways: Ways } {
  const http = new Http(token ?? (() => Promise.resolve(null)));
  if (config.kind === 'direct') {
    const { url } = config;
    const socket = new SharedSocket(socketUrl(url, location.href), token, TIMING, page);
    return { api: directApi(http, url), ways: directWays(http, url, socket, TIMING) };
  }
  const endpoint = config.kind === 'agentcore' ? agentCoreEndpoint(config) : lambdaEndpoint(config.url);
  return { api: runtimeApi(http, endpoint), ways: runtimeWays(http, endpoint, TIMING) };
}
