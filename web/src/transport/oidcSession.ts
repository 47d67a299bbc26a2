/** The session of a person at an OpenID Connect provider: authorization code with PKCE, and refresh tokens. */
import { ErrorResponse, UserManager, WebStorageStateStore, type INavigator, type User } from 'oidc-client-ts';
import type { AuthConfig } from './config';
import { SignInFailed, type Place, type Session } from './signin';

// So long before its end a token is renewed, for whatever is asked for with it to be over by then.
const EARLY_S = 60;

/** See `signIn`. */
export async function beginSession(auth: AuthConfig, place: Place): Promise<Session> {
  const manager = managerOf(auth, place);
  const session = new OidcSession(manager, auth, place);
  const user = isCallback(auth, place) ? await called(manager, place) : await kept(manager);
  if (user === null) return await session.again();
  session.begin(user);
  // A session kept from before may have ended at the provider meanwhile.
  if (user.expired === true && (await session.token().catch(unreached)) === null) return await session.again();
  return session;
}

function managerOf(auth: AuthConfig, place: Place): UserManager {
  // Not the storage that outlives the tab: what is stolen from there is stolen for good.
  const store = () => new WebStorageStateStore({ store: sessionStorage });
  return new UserManager(
    {
      authority: auth.authority,
      client_id: auth.clientId,
      redirect_uri: new URL(auth.redirectPath, place.href).href,
      scope: auth.scope,
      userStore: store(),
      stateStore: store(),
      accessTokenExpiringNotificationTimeInSeconds: EARLY_S,
      // Its own renewal falls back to a frame, which the page's policy does not allow.
      automaticSilentRenew: false,
    },
    navigatorOf(place),
  );
}

function navigatorOf(place: Place): INavigator {
  const navigate = ({ url }: { url: string }) => {
    place.leave(url);
    return new Promise<never>(() => undefined);
  };
  return {
    prepare: () => Promise.resolve({ navigate, close: () => undefined }),
    callback: () => Promise.resolve(),
  };
}

function isCallback(auth: AuthConfig, place: Place): boolean {
  const { pathname, searchParams } = new URL(place.href);
  return (
    pathname === auth.redirectPath &&
    searchParams.has('state') &&
    (searchParams.has('code') || searchParams.has('error'))
  );
}

/** Takes what the provider sent the person back with, and shows the address that the sign-in began at. */
async function called(manager: UserManager, place: Place): Promise<User | null> {
  let user: User;
  try {
    user = await manager.signinRedirectCallback(place.href);
  } catch (error) {
    if (error instanceof ErrorResponse) {
      const said = error.error_description ?? error.error ?? error.message;
      throw new SignInFailed('refused', said, { cause: error });
    }
    if (error instanceof TypeError) throw unreachable(error);
    // The page was loaded again at this address: its code is used up, and the session stands.
    const former = await kept(manager);
    if (former === null) throw new SignInFailed('callback_invalid', message(error), { cause: error });
    place.replace('/');
    return former;
  }
  place.replace(typeof user.state === 'string' ? user.state : '/');
  return user;
}

/** The session of this tab, if it has one that is good or can be renewed. */
async function kept(manager: UserManager): Promise<User | null> {
  const user = await manager.getUser();
  return user !== null && (user.expired !== true || user.refresh_token !== undefined) ? user : null;
}

class OidcSession implements Session {
  name = '';
  readonly #manager: UserManager;
  readonly #auth: AuthConfig;
  readonly #place: Place;
  readonly #listeners = new Set<() => void>();
  #renewal: Promise<string | null> | null = null;
  #isOver = false;

  constructor(manager: UserManager, auth: AuthConfig, place: Place) {
    this.#manager = manager;
    this.#auth = auth;
    this.#place = place;
  }

  begin(user: User): void {
    const { name, email, preferred_username: userName, sub } = user.profile;
    this.name = name ?? email ?? userName ?? sub;
    this.#manager.events.addAccessTokenExpiring(() => {
      // Whoever asks for the token next hears of what goes wrong here.
      this.#renewed().catch(() => undefined);
    });
  }

  readonly token = async (isRefused = false): Promise<string | null> => {
    const user = await this.#manager.getUser();
    if (user === null || this.#isOver) return null;
    if (isRefused) return await this.#renewed();
    if ((user.expires_in ?? Infinity) > EARLY_S) return user.access_token;
    try {
      return await this.#renewed();
    } catch (error) {
      // It could not be renewed now; it is still good.
      if (user.expired !== true) return user.access_token;
      throw error;
    }
  };

  onOver(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async again(): Promise<never> {
    const { pathname, search, hash } = new URL(this.#place.href);
    const state = pathname === this.#auth.redirectPath ? '/' : `${pathname}${search}${hash}`;
    try {
      await this.#manager.signinRedirect({ state });
    } catch (error) {
      throw unreachable(error);
    }
    return await new Promise<never>(() => undefined);
  }

  async signOut(): Promise<never> {
    const home = new URL('/', this.#place.href).href;
    // A provider that cannot be told must not keep anybody signed in here.
    await this.#manager.revokeTokens(['refresh_token']).catch(() => undefined);
    await this.#manager.removeUser();
    const isCognito = new URL(this.#auth.authority).hostname.startsWith('cognito-idp.');
    // https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
    const extraQueryParams = isCognito ? { client_id: this.#auth.clientId, logout_uri: home } : {};
    await this.#manager
      .signoutRedirect({ post_logout_redirect_uri: home, extraQueryParams })
      .catch(() => this.#place.leave(home));
    return await new Promise<never>(() => undefined);
  }

  /** Renews once for all that ask meanwhile. Null where it cannot be; rejects where it may be later. */
  #renewed(): Promise<string | null> {
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #renew(): Promise<string | null> {
    const user = await this.#manager.getUser();
    if (user?.refresh_token === undefined) return this.#end();
    try {
      return (await this.#manager.signinSilent())?.access_token ?? this.#end();
    } catch (error) {
      if (error instanceof ErrorResponse) return this.#end();
      throw error;
    }
  }

  #end(): null {
    if (!this.#isOver) {
      this.#isOver = true;
      for (const listener of [...this.#listeners]) listener();
    }
    return null;
  }
}

function unreached(error: unknown): never {
  throw unreachable(error);
}

function unreachable(error: unknown): SignInFailed {
  return new SignInFailed('provider_unreachable', message(error), { cause: error });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
