import { Failure } from '@postern/contract';
import type { Sessions } from '@postern/registry';
import { type Authenticated, type Authenticator, assertMayAct, type Proof } from '../auth/authenticator.ts';
import type { Action } from '../auth/credentials.ts';
import type { Exchange } from './exchange.ts';
import { assertSameOrigin } from './same-origin.ts';
import { identifySession } from './session.ts';

export interface AuthenticationOptions {
  authenticator: Authenticator;
  sessions: Sessions;
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Proofs that a browser sends along by itself, also when another site makes it do so. */
const AMBIENT: ReadonlySet<Proof> = new Set(['open', 'basic', 'cookie']);

/**
 * Sets the exchange's principal. Throws AUTHENTICATION_ERROR without valid credentials, and FORBIDDEN when the action is
 * not the key's or when a browser sends the request for another site.
 */
export async function authenticate(
  exchange: Exchange,
  { access, changes }: { access: Action | readonly Action[]; changes?: true },
  { authenticator, sessions }: AuthenticationOptions,
): Promise<void> {
  const { request, response } = exchange;
  const presented = { authorization: request.get('authorization'), apiKey: request.get('x-api-key') };
  const found: Authenticated | undefined =
    authenticator.identify({ ...presented, address: request.socket.remoteAddress }) ??
    (await identifySession(request.get('cookie'), { authenticator, sessions }));
  if (!found) {
    response.set('WWW-Authenticate', authenticator.challenges);
    const hasCredentials = presented.authorization !== undefined || presented.apiKey !== undefined;
    throw new Failure(
      'AUTHENTICATION_ERROR',
      hasCredentials ? 'The credentials are not valid' : 'Credentials are required',
    );
  }
  exchange.principal = found.principal;
  exchange.proof = found.proof;
  const isSafe = SAFE_METHODS.has(request.method) && !changes;
  if (AMBIENT.has(found.proof) && !isSafe) assertSameOrigin(request, found.proof);
  assertMayAct(found.principal, [access].flat());
}
