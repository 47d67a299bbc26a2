/**
 * Where the client points: `config.json` beside the page, or what was named when the client was built.
 *
 * The file wins, so that one build serves everywhere; where there is none, the values of the build count, and without
 * those the server that the page came from. The server checks the same of the file that it hands out
 * (http/web_config.py).
 */

export interface DirectConfig {
  readonly kind: 'direct';
  readonly name: string;
  /** Without a slash at its end; empty for the page's own origin. */
  readonly url: string;
}

export interface AgentCoreConfig {
  readonly kind: 'agentcore';
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly qualifier: string;
  /** In place of the region's own data plane; without a slash at its end. */
  readonly endpoint?: string;
}

export interface LambdaConfig {
  readonly kind: 'lambda';
  readonly name: string;
  readonly url: string;
}

export type BackendConfig = DirectConfig | AgentCoreConfig | LambdaConfig;

/** The OpenID Connect provider that people sign in at. `redirectPath` is the page it sends them back to. */
export interface AuthConfig {
  readonly authority: string;
  readonly clientId: string;
  readonly scope: string;
  readonly redirectPath: string;
}

export interface Configuration {
  readonly backends: readonly [BackendConfig, ...BackendConfig[]];
  readonly auth: AuthConfig | null;
  readonly routing: 'path' | 'hash';
}

/** The configuration cannot be used; the message names the field and what was expected. */
export class ConfigurationInvalid extends Error {
  override readonly name = 'ConfigurationInvalid';
}

// One of the paths at which servers of ours give the page (http/web.py).
const CALLBACK_PATH = '/signin/callback';

const LATEST_MS = 15_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the configuration; `built` has the `VITE_` values of the build.
 *
 * @throws ConfigurationInvalid
 */
export async function readConfiguration(
  url = `${import.meta.env.BASE_URL}config.json`,
  built: Fields = import.meta.env,
  latestMs = LATEST_MS,
): Promise<Configuration> {
  const signal = AbortSignal.timeout(latestMs);
  const unread = (error: unknown, otherwise: string) => {
    const late = `${url} did not come within ${latestMs / 1_000} seconds. Check that you are online, then try again.`;
    return new ConfigurationInvalid(signal.aborted ? late : otherwise, { cause: error });
  };
  const headers = { accept: 'application/json' };
  const response = await fetch(url, { cache: 'no-cache', headers, signal }).catch((error: unknown) => {
    throw unread(error, `${url} could not be read.`);
  });
  // Hosts of single-page applications answer a path that is not there with the page itself.
  const isPage = (response.headers.get('content-type') ?? '').includes('text/html');
  if (response.status === 404 || isPage) return builtConfiguration(built);
  if (!response.ok) throw new ConfigurationInvalid(`${url} could not be read: it is answered with ${response.status}.`);
  let given: unknown;
  try {
    given = await response.json();
  } catch (error) {
    throw unread(error, `${url} is not JSON.`);
  }
  return configurationOf(given);
}

/**
 * Checks what a file says.
 *
 * @throws ConfigurationInvalid
 */
export function configurationOf(given: unknown): Configuration {
  const fields = object(given, 'config.json');
  known(fields, ['backends', 'auth', 'routing'], 'config.json');
  const routing = fields['routing'] ?? 'path';
  if (routing !== 'path' && routing !== 'hash') throw wrong('routing', 'must be "path" or "hash"');
  const { auth } = fields;
  return {
    backends: backendsOf(fields['backends']),
    auth: isAbsent(auth) ? null : authOf(object(auth, 'auth')),
    routing,
  };
}

/**
 * Makes a configuration of the values of a build.
 *
 * @throws ConfigurationInvalid
 */
export function builtConfiguration(built: Fields): Configuration {
  return { backends: builtBackends(built), auth: builtAuth(built), routing: 'path' };
}

function backendsOf(given: unknown): Configuration['backends'] {
  if (!Array.isArray(given)) throw wrong('backends', 'must be a list');
  const [first, ...others] = given.map((each: unknown, place) => backendOf(each, `backends[${place}]`));
  if (first === undefined) throw wrong('backends', 'must name at least one backend');
  return [first, ...others];
}

function backendOf(given: unknown, where: string): BackendConfig {
  const fields = object(given, where);
  const name = text(fields, 'name', where);
  switch (fields['kind']) {
    case 'direct':
      known(fields, ['kind', 'name', 'url'], where);
      return { kind: 'direct', name, url: fields['url'] === '' ? '' : address(fields, 'url', where) };
    case 'lambda':
      known(fields, ['kind', 'name', 'url'], where);
      return { kind: 'lambda', name, url: address(fields, 'url', where) };
    case 'agentcore': {
      known(fields, ['kind', 'name', 'arn', 'region', 'qualifier', 'endpoint'], where);
      const arn = text(fields, 'arn', where);
      const region = text(fields, 'region', where);
      const qualifier = isAbsent(fields['qualifier']) ? 'DEFAULT' : text(fields, 'qualifier', where);
      const endpoint = isAbsent(fields['endpoint']) ? {} : { endpoint: address(fields, 'endpoint', where) };
      return { kind: 'agentcore', name, arn, region, qualifier, ...endpoint };
    }
    default:
      throw wrong(`${where}.kind`, 'must be "direct", "agentcore" or "lambda"');
  }
}

function authOf(fields: Fields): AuthConfig {
  known(fields, ['authority', 'clientId', 'scope', 'redirectPath'], 'auth');
  const redirectPath = isAbsent(fields['redirectPath']) ? CALLBACK_PATH : text(fields, 'redirectPath', 'auth');
  if (!redirectPath.startsWith('/')) throw wrong('auth.redirectPath', 'must begin with /');
  return {
    authority: address(fields, 'authority', 'auth'),
    clientId: text(fields, 'clientId', 'auth'),
    scope: isAbsent(fields['scope']) ? 'openid' : text(fields, 'scope', 'auth'),
    redirectPath,
  };
}

function builtBackends(built: Fields): Configuration['backends'] {
  const set = (name: string): boolean => !isAbsent(built[name]) && built[name] !== '';
  const backends: BackendConfig[] = [];
  if (set('VITE_LOCAL_BACKEND_URL')) {
    backends.push({ kind: 'direct', name: 'Local', url: address(built, 'VITE_LOCAL_BACKEND_URL', '') });
  }
  if (set('VITE_AGENT_ARN')) {
    const arn = text(built, 'VITE_AGENT_ARN', '');
    const region = text(built, 'VITE_AWS_REGION', '');
    const qualifier = set('VITE_QUALIFIER') ? text(built, 'VITE_QUALIFIER', '') : 'DEFAULT';
    backends.push({ kind: 'agentcore', name: 'AgentCore', arn, region, qualifier });
  }
  if (set('VITE_LAMBDA_FUNCTION_URL')) {
    backends.push({ kind: 'lambda', name: 'Lambda', url: address(built, 'VITE_LAMBDA_FUNCTION_URL', '') });
  }
  const [first = { kind: 'direct', name: 'This server', url: '' } as const, ...others] = backends;
  return [first, ...others];
}

function builtAuth(built: Fields): AuthConfig | null {
  const authority = built['VITE_OIDC_AUTHORITY'];
  if (authority === undefined || authority === '') return null;
  return {
    authority: address(built, 'VITE_OIDC_AUTHORITY', ''),
    clientId: text(built, 'VITE_OIDC_CLIENT_ID', ''),
    scope: 'openid',
    redirectPath: CALLBACK_PATH,
  };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function object(given: unknown, where: string): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields;
  throw wrong(where, 'must be an object');
}

/** What nobody knows is a mistake that whoever wrote the file wants to hear of. */
function known(fields: Fields, names: readonly string[], where: string): void {
  const stranger = Object.keys(fields).find((name) => !names.includes(name));
  if (stranger !== undefined) throw wrong(where, `has no field \`${stranger}\`, only ${names.join(', ')}`);
}

function text(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(path(where, name), 'must be text');
}

function address(fields: Fields, name: string, where: string): string {
  const value = text(fields, name, where);
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value.replace(/\/+$/, '');
  throw wrong(path(where, name), 'must be an address, such as https://magi.example.com');
}

function path(where: string, name: string): string {
  return where === '' ? name : `${where}.${name}`;
}

function wrong(where: string, what: string): ConfigurationInvalid {
  return new ConfigurationInvalid(`The configuration is wrong: \`${where}\` ${what}.`);
}
