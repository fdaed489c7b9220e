import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { Agent, buildConnector } from 'undici';
import { refusalOf } from './address-rules.ts';
import { RefusedAddressError } from './refused-address-error.ts';
import type { ResolveHost } from './resolve-host.ts';

export interface GuardedAgentOptions {
  allowPrivate: readonly string[];
  resolve: ResolveHost;
  /** Connections that are not up by then are dropped. */
  connectTimeoutMs: number;
}

/**
 * An undici agent that connects to public addresses only (and those of `allowPrivate`). Literals, every address a name
 * resolves to, and the address a socket is really connected to are each checked; one refused address refuses the name.
 */
export function createGuardedAgent({ allowPrivate, resolve, connectTimeoutMs }: GuardedAgentOptions): Agent {
  const lookUp = callbackify(async (hostname: string) => await resolveChecked(hostname, { allowPrivate, resolve }));
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    lookUp(hostname, (error, found) => {
      if (error) callback(error, '');
      else if (all) callback(null, [...found]);
      else callback(null, found[0].address, found[0].family);
    });
  };

  const connect = buildConnector({ lookup, autoSelectFamily: true, timeout: connectTimeoutMs, maxCachedSessions: 0 });
  return new Agent({
    connections: 1,
    pipelining: 0,
    headersTimeout: 0, // one total deadline covers every stage
    bodyTimeout: 0,
    connect(options, callback) {
      const literal = options.hostname.replace(/^\[|\]$/g, '');
      const refused = isIP(literal) === 0 ? undefined : refusalOf(literal, allowPrivate); // sockets never look literals up
      if (refused) {
        callback(new RefusedAddressError(refused), null);
        return;
      }
      connect(options, (...[error, socket]) => {
        if (error) {
          callback(error, null);
          return;
        }
        const reached = refusalOf(socket.remoteAddress ?? '', allowPrivate);
        if (reached) {
          socket.destroy();
          callback(new RefusedAddressError(reached), null);
          return;
        }
        callback(null, socket);
      });
    },
  });
}

async function resolveChecked(
  hostname: string,
  { allowPrivate, resolve }: Pick<GuardedAgentOptions, 'allowPrivate' | 'resolve'>,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const [first, ...others] = await resolve(hostname);
  if (first === undefined) throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
  const toChecked = (address: string): LookupAddress => {
    const kind = refusalOf(address, allowPrivate);
    if (kind) throw new RefusedAddressError(kind);
    return { address, family: isIP(address) };
  };
  return [toChecked(first), ...others.map(toChecked)];
}
