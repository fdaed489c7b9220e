import { Failure } from '@postern/contract';
import type { Request } from 'express';
import type { Proof } from '../auth/authenticator.ts';

/** Throws FORBIDDEN when a browser sends this for another site. Clients that are no browser send neither header, and pass. */
export function assertSameOrigin(request: Request, proof: Proof): void {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const host = request.get('host') ?? '';
  if (isForeignSite || (origin !== undefined && !isOriginOf(origin, host, proof === 'open'))) {
    throw new Failure('FORBIDDEN', 'A browser sent this request for another site');
  }
}

/** Without credentials a name that an attacker points at this machine (DNS rebinding) must not pass as our own. */
function isOriginOf(origin: string, host: string, isOpen: boolean): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (isOpen && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) return false;
  return url.host === host.toLowerCase().replace(/:(80|443)$/, (port) => (url.port === '' ? '' : port));
}
