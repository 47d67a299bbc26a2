// @vitest-environment jsdom
// @vitest-environment-options { "url": "http://localhost/" }
/** Signing in against a provider that speaks OpenID Connect over real HTTP; what the person does there is the test's. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuthConfig } from './config';
import { signIn, SignInFailed, type Place, type Session } from './signin';
import { reply, serve, type WebServer } from './testing/webServer';

const PAGE = 'http://localhost';

/** A provider. Its tokens are numbered: access-1, access-2, … */
class Provider {
  server!: WebServer;
  readonly tokenRequests: URLSearchParams[] = [];
  readonly revoked: URLSearchParams[] = [];
  lifetimeS = 3600;
  hasRefreshTokens = true;
  /** What the token endpoint says in place of tokens. */
  onToken: ((response: ServerResponse) => void) | null = null;
  #challenge = '';
  #nTokens = 0;

  async open(): Promise<this> {
    this.server = await serveForms((path, form, response) => this.#answer(path, form, response));
    return this;
  }

  get auth(): AuthConfig {
    return { authority: this.server.url, clientId: 'web', scope: 'openid', redirectPath: '/signin/callback' };
  }

  /** The person signs in at the address the page left for: gives the address they come back to. */
  authorize(address: string): string {
    const { searchParams } = new URL(address);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      client_id: 'web',
      response_type: 'code',
      scope: 'openid',
      code_challenge_method: 'S256',
      redirect_uri: `${PAGE}/signin/callback`,
    });
    this.#challenge = searchParams.get('code_challenge') ?? '';
    return `${PAGE}/signin/callback?code=c0de&state=${searchParams.get('state') ?? ''}`;
  }

  #answer(path: string, form: URLSearchParams, response: ServerResponse): void {
    const { url } = this.server;
    if (path === '/.well-known/openid-configuration') {
      reply(response, 200, {
        issuer: url,
        authorization_endpoint: `${url}/authorize`,
        token_endpoint: `${url}/token`,
        revocation_endpoint: `${url}/revoke`,
        end_session_endpoint: `${url}/logout`,
        jwks_uri: `${url}/keys`,
      });
    } else if (path === '/revoke') {
      this.revoked.push(form);
      reply(response, 200, {});
    } else {
      this.tokenRequests.push(form);
      if (this.onToken) this.onToken(response);
      else this.#grant(form, response);
    }
  }

  #grant(form: URLSearchParams, response: ServerResponse): void {
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (form.get('grant_type') === 'authorization_code' && verifier !== this.#challenge) {
      reply(response, 400, { error: 'invalid_grant' });
      return;
    }
    this.#nTokens += 1;
    reply(response, 200, {
      access_token: `access-${this.#nTokens}`,
      token_type: 'Bearer',
      expires_in: this.lifetimeS,
      id_token: unsigned({ iss: this.server.url, sub: 'p1', aud: 'web', name: 'Rei', exp: 9e9, iat: 1 }),
      ...(this.hasRefreshTokens ? { refresh_token: `refresh-${this.#nTokens}` } : {}),
    });
  }
}

/** Over TLS from the token endpoint an ID token's signature says nothing more, and the library does not look at it. */
function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

/** The token endpoint takes forms; the library asks across origins, as a page does. */
async function serveForms(
  answer: (path: string, form: URLSearchParams, response: ServerResponse) => void,
): Promise<WebServer> {
  return await serve(({ method, path, text }, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-allow-headers', '*');
    if (method === 'OPTIONS') response.writeHead(204).end();
    else answer(path, new URLSearchParams(text), response);
  });
}

/** Everything in the storage of the tab. */
function kept(): string {
  return Object.keys(sessionStorage)
    .map((name) => sessionStorage.getItem(name))
    .join('\n');
}

class FakePlace implements Place {
  href = `${PAGE}/`;
  readonly #left = Promise.withResolvers<string>();
  /** Where the page left for. */
  readonly left = this.#left.promise;

  constructor(path: string) {
    this.href = new URL(path, PAGE).href;
  }

  replace(path: string): void {
    this.href = new URL(path, PAGE).href;
  }

  leave(href: string): void {
    this.#left.resolve(href);
  }
}

async function signedIn(
  provider: Provider,
  path = '/d/dlb_1?x=1#seq=3',
): Promise<{ session: Session; place: FakePlace }> {
  const first = new FakePlace(path);
  void signIn(provider.auth, first);
  const place = new FakePlace(provider.authorize(await first.left));
  return { session: await signIn(provider.auth, place), place };
}

beforeEach(() => {
  sessionStorage.clear();
  vi.stubGlobal('isSecureContext', true);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('signing in', () => {
  it('leaves for the provider, and comes back to where the page was, with a token', async () => {
    const provider = await new Provider().open();
    const { session, place } = await signedIn(provider);
    expect(place.href).toBe(`${PAGE}/d/dlb_1?x=1#seq=3`);
    expect(session.name).toBe('Rei');
    expect(await session.token()).toBe('access-1');
    expect(provider.tokenRequests).toHaveLength(1);
  });

  it('keeps tokens where they end with the tab', async () => {
    localStorage.clear();
    await signedIn(await new Provider().open());
    expect(kept()).toContain('access-1');
    expect(localStorage).toHaveLength(0);
  });

  it('stands through a reload, of the page and of the address of the callback', async () => {
    const provider = await new Provider().open();
    const { place } = await signedIn(provider);
    expect(await (await signIn(provider.auth, place)).token()).toBe('access-1');
    const used = new FakePlace('/signin/callback?code=c0de&state=used');
    expect(await (await signIn(provider.auth, used)).token()).toBe('access-1');
    expect(used.href).toBe(`${PAGE}/`);
  });

  it.each([
    ['/signin/callback?error=access_denied&error_description=Not%20you&state=', 'refused', 'Not you'],
    ['/signin/callback?code=c0de&state=not', 'callback_invalid', ''],
  ])('says what is wrong where the page is come back to with %s', async (path, fault, said) => {
    const provider = await new Provider().open();
    const first = new FakePlace('/');
    void signIn(provider.auth, first);
    const state = new URL(await first.left).searchParams.get('state') ?? '';
    const failed = signIn(provider.auth, new FakePlace(path.endsWith('=') ? `${path}${state}` : path));
    await expect(failed).rejects.toBeInstanceOf(SignInFailed);
    await expect(failed).rejects.toMatchObject({ fault });
    await expect(failed).rejects.toThrow(said);
  });

  it('says so where the provider does not answer', async () => {
    const provider = await new Provider().open();
    await provider.server.close();
    await expect(signIn(provider.auth, new FakePlace('/'))).rejects.toMatchObject({ fault: 'provider_unreachable' });
  });

  it('says so where the page is not from a safe place', async () => {
    vi.stubGlobal('isSecureContext', false);
    const auth = { authority: 'https://x', clientId: 'c', scope: 'openid', redirectPath: '/' };
    await expect(signIn(auth, new FakePlace('/'))).rejects.toMatchObject({ fault: 'insecure_page' });
  });
});

describe('a session', () => {
  it('gets another token where one was refused, once for all that ask', async () => {
    const provider = await new Provider().open();
    const { session } = await signedIn(provider);
    expect(await Promise.all([session.token(true), session.token(true)])).toEqual(['access-2', 'access-2']);
    expect(provider.tokenRequests[1]?.get('refresh_token')).toBe('refresh-1');
    expect(await session.token()).toBe('access-2');
  });

  it('gets another token before one ends, though nobody asks', async () => {
    const provider = await new Provider().open();
    provider.lifetimeS = 61;
    await signedIn(provider);
    provider.lifetimeS = 3600;
    await vi.waitFor(() => expect(provider.tokenRequests).toHaveLength(2), 3_000);
  });

  it('gets another token where one ends before it could be used', async () => {
    const provider = await new Provider().open();
    provider.lifetimeS = 30;
    const { session } = await signedIn(provider);
    expect(await session.token()).toBe('access-2');
  });

  it('uses a token to its end where another cannot be had now', async () => {
    const provider = await new Provider().open();
    provider.lifetimeS = 30;
    const { session } = await signedIn(provider);
    const over = vi.fn();
    session.onOver(over);
    await provider.server.close();
    expect(await session.token()).toBe('access-1');
    expect(over).not.toHaveBeenCalled();
    await expect(session.token(true)).rejects.toThrow();
  });

  it('is over where the provider gives no other token, and begins again where it was', async () => {
    const provider = await new Provider().open();
    const { session } = await signedIn(provider, '/history');
    const over = vi.fn();
    session.onOver(over);
    provider.onToken = (response) => reply(response, 400, { error: 'invalid_grant' });
    expect(await session.token(true)).toBeNull();
    expect(await session.token()).toBeNull();
    expect(over).toHaveBeenCalledTimes(1);
  });

  it('is over where there is nothing to renew it with', async () => {
    const provider = await new Provider().open();
    provider.hasRefreshTokens = false;
    const { session } = await signedIn(provider);
    const over = vi.fn();
    session.onOver(over);
    expect(await session.token(true)).toBeNull();
    expect(over).toHaveBeenCalledTimes(1);
  });

  it('begins again where the one that was kept is over', async () => {
    const provider = await new Provider().open();
    await signedIn(provider);
    // Long ago, in a tab that the browser kept.
    const key = Object.keys(sessionStorage).find((name) => name.includes('user')) ?? '';
    const user = JSON.parse(sessionStorage.getItem(key) ?? '') as object;
    sessionStorage.setItem(key, JSON.stringify({ ...user, expires_at: 1 }));
    provider.onToken = (response) => reply(response, 400, { error: 'invalid_grant' });
    const place = new FakePlace('/history');
    void signIn(provider.auth, place);
    expect(await place.left).toContain('/authorize?');
  });

  it('leaves for the sign-out with nothing left here', async () => {
    const provider = await new Provider().open();
    const { session, place } = await signedIn(provider);
    void session.signOut();
    const left = new URL(await place.left);
    expect(`${left.origin}${left.pathname}`).toBe(`${provider.server.url}/logout`);
    expect(left.searchParams.get('post_logout_redirect_uri')).toBe(`${PAGE}/`);
    expect(provider.revoked[0]?.get('token')).toBe('refresh-1');
    expect(kept()).not.toContain('access-1');
  });
});
