import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.ts';

const NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Throws 403 unless the request was addressed to loopback by name and, if a page sent it, to the page's own origin:
 * a server on loopback is otherwise open to any web page through its visitor's browser (DNS rebinding, forged posts).
 */
export function assertLoopback({ headers }: IncomingMessage): void {
  const { host = '', origin } = headers;
  if (!NAMES.has(host.replace(/:\d+$/, ''))) throw new ControlError(403, `"${host}" does not name this server`);
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new ControlError(403, `pages of ${origin} may not use this server`);
  }
}
