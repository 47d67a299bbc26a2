/** Signing in with an OpenID Connect provider, where the configuration names one. What does it is loaded only then. */
import type { AuthConfig } from './config';
import type { TokenSource } from './http';

/** Somebody who is signed in. */
export interface Session {
  /** What the provider calls the person. */
  readonly name: string;
  /** Renews the access token before it ends, and when a backend refuses it. */
  readonly token: TokenSource;
  /** Calls `listener` when the sign-in has ended and cannot be renewed; `again` is what helps then. */
  onOver(listener: () => void): () => void;
  /** Leaves for the provider, to come back to where the page is now. */
  again(): Promise<never>;
  /** Forgets the tokens here and at the provider, and leaves for its sign-out. */
  signOut(): Promise<never>;
}

/**
 * Why nobody is signed in.
 *
 * `insecure_page`: browsers give what the proof of the code exchange needs only to pages from https or localhost.
 * `provider_unreachable`: it did not answer, or not as one. `refused`: it said no; the message is its own.
 * `callback_invalid`: this address was not come to by a sign-in that this tab began.
 */
export type SignInFault = 'insecure_page' | 'provider_unreachable' | 'refused' | 'callback_invalid';

export class SignInFailed extends Error {
  override readonly name = 'SignInFailed';
  readonly fault: SignInFault;

  constructor(fault: SignInFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** Where the page is, and how it goes elsewhere. */
export interface Place {
  readonly href: string;
  /** Shows another address of this page. */
  replace(href: string): void;
  leave(href: string): void;
}

const BROWSER: Place = {
  get href() {
    return location.href;
  },
  replace: (href) => history.replaceState(null, '', href),
  leave: (href) => location.assign(href),
};

/**
 * Gives the session of whoever is signed in. Where nobody is, the page leaves for the provider, and this never resolves.
 *
 * @throws SignInFailed
 */
export async function signIn(auth: AuthConfig, place: Place = BROWSER): Promise<Session> {
  if (!isSecureContext) {
    throw new SignInFailed('insecure_page', 'Signing in needs a page from https:// or localhost.');
  }
  const { beginSession } = await import('./oidcSession');
  return await beginSession(auth, place);
}
