import { randomBytes } from 'node:crypto';
import { Failure } from '@postern/contract';
import type { Sessions } from '@postern/registry';
import type { Authenticated, Authenticator } from '../auth/authenticator.ts';
import { answering } from '../redis-silence.ts';
import type { Route } from './exchange.ts';
import { succeed } from './respond.ts';
import { assertSameOrigin } from './same-origin.ts';
import { readTextBody } from './text-body.ts';
import { toFields } from './text-fields.ts';

export interface SessionParts {
  authenticator: Authenticator;
  sessions: Sessions;
}

const COOKIE = 'postern_session';
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Strict';
const TOKEN = /^[\w-]{43}$/;
const LIFETIME_S = 12 * 3600;
/** A key is short, and nobody has shown one yet. */
const MAX_BODY_BYTES = 4 * 1024;

/**
 * Who the session of a Cookie header belongs to. It stands for the credential that began it: with another secret or name,
 * or without that credential, it is over.
 */
export async function identifySession(
  cookieHeader: string | undefined,
  { authenticator, sessions }: SessionParts,
): Promise<Authenticated | undefined> {
  const token = readToken(cookieHeader);
  const holder = token === undefined ? undefined : await answering(sessions.holderOf(token));
  return holder === undefined ? undefined : authenticator.byCredential(holder);
}

/** `POST /session {key}`: exchanges a key for the pages' cookie. `DELETE /session` ends the session, at every gateway. */
export function sessionRoutes({ authenticator, sessions }: SessionParts): Route[] {
  const begin: Route['handle'] = async ({ request, response, signal }) => {
    assertSameOrigin(request, authenticator.isOpen ? 'open' : 'cookie');
    const fields = toFields(request, await readTextBody(request, signal, MAX_BODY_BYTES));
    const key = fields.get('key');
    const found = authenticator.identify({
      authorization: undefined,
      apiKey: typeof key === 'string' ? key : undefined,
      address: request.socket.remoteAddress,
    });
    if (!found) throw new Failure('AUTHENTICATION_ERROR', 'The key is not valid');
    if (found.credentialId !== undefined) {
      const token = randomBytes(32).toString('base64url');
      await answering(sessions.begin(token, found.credentialId, LIFETIME_S * 1000));
      const secure = request.get('x-forwarded-proto') === 'https' ? '; Secure' : '';
      response.set('Set-Cookie', `${COOKIE}=${token}; ${ATTRIBUTES}; Max-Age=${LIFETIME_S}${secure}`);
    }
    succeed(response, 'Session begun', { name: found.principal.name });
  };
  const end: Route['handle'] = async ({ request, response }) => {
    assertSameOrigin(request, authenticator.isOpen ? 'open' : 'cookie');
    const token = readToken(request.get('cookie'));
    if (token !== undefined) await answering(sessions.end(token));
    response.set('Set-Cookie', `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0`);
    succeed(response, 'Session ended', {});
  };
  return [
    { method: 'post', path: '/session', access: 'public', handle: begin },
    { method: 'delete', path: '/session', access: 'public', handle: end },
  ];
}

function readToken(cookieHeader = ''): string | undefined {
  const value = cookieHeader.split(/;\s*/).find((cookie) => cookie.startsWith(`${COOKIE}=`));
  const token = value?.slice(COOKIE.length + 1);
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}
