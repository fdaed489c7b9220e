import { createHmac, timingSafeEqual } from 'node:crypto';
import { Failure } from '@postern/contract';
import type { Authenticated, Authenticator } from '../auth/authenticator.ts';
import type { Route } from './exchange.ts';
import { succeed } from './respond.ts';
import { assertSameOrigin } from './same-origin.ts';
import { readTextBody } from './text-body.ts';
import { toFields } from './text-fields.ts';

const COOKIE = 'postern_session';
const LIFETIME_S = 12 * 3600;
/** A key is short, and nobody has shown one yet. */
const MAX_BODY_BYTES = 4 * 1024;

export interface Sessions {
  /** The session that a Cookie header carries. */
  identify(cookieHeader: string | undefined): Authenticated | undefined;
  /** The Set-Cookie header's value for a new session. */
  begin(name: string): string;
}

/** Sessions of the pages: a signed cookie, so that every gateway knows them and none stores them. */
export function createSessions(authenticator: Authenticator, secret: string): Sessions {
  const sign = (text: string) => createHmac('sha256', secret).update(`session ${text}`).digest();
  return {
    identify(cookieHeader) {
      const value = (cookieHeader ?? '').split(/;\s*/).find((cookie) => cookie.startsWith(`${COOKIE}=`));
      const [name = '', expires = '', signature = ''] = (value?.slice(COOKIE.length + 1) ?? '').split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(`${name}.${expires}`);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      if (Number(expires) < Date.now()) return undefined;
      const principal = authenticator.byName(Buffer.from(name, 'base64url').toString('utf8'));
      return principal && { principal, proof: 'cookie' };
    },
    begin(name) {
      const claim = `${Buffer.from(name).toString('base64url')}.${Date.now() + LIFETIME_S * 1000}`;
      const value = `${claim}.${sign(claim).toString('base64url')}`;
      return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${LIFETIME_S}`;
    },
  };
}

/** `POST /session {key}`: exchanges a key for the pages' cookie. `DELETE /session` has the browser drop it. */
export function sessionRoutes(authenticator: Authenticator, sessions: Sessions): Route[] {
  const handle: Route['handle'] = async ({ request, response, signal }) => {
    assertSameOrigin(request, authenticator.isOpen ? 'open' : 'cookie');
    const fields = toFields(request, await readTextBody(request, signal, MAX_BODY_BYTES));
    const key = fields.get('key');
    const found = authenticator.identify({
      authorization: undefined,
      apiKey: typeof key === 'string' ? key : undefined,
    });
    if (!found) throw new Failure('AUTHENTICATION_ERROR', 'The key is not valid');
    const secure = request.get('x-forwarded-proto') === 'https' ? '; Secure' : '';
    if (found.proof !== 'open') response.set('Set-Cookie', sessions.begin(found.principal.name) + secure);
    succeed(response, 'Session begun', { name: found.principal.name });
  };
  const end: Route['handle'] = ({ request, response }) => {
    assertSameOrigin(request, authenticator.isOpen ? 'open' : 'cookie');
    response.set('Set-Cookie', `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`);
    succeed(response, 'Session ended', {});
  };
  return [
    { method: 'post', path: '/session', access: 'public', handle },
    { method: 'delete', path: '/session', access: 'public', handle: end },
  ];
}
