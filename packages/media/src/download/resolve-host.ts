import { lookup as lookupAll } from 'node:dns/promises';

/** Resolves a host name to all its IP addresses; rejects with `code: 'ENOTFOUND'` when there is none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** The host's own resolver: hosts file, then DNS, IPv4 and IPv6. */
export const resolveBySystem: ResolveHost = async (hostname) => {
  const found = await lookupAll(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};
