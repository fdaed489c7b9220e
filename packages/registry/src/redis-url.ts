export interface Credentials {
  username?: string;
  password?: string;
}

interface Addresses {
  /** Some of them; the others are learned. */
  nodes: { host: string; port: number }[];
  tls: boolean;
  credentials: Credentials;
}

/** Where Redis is met, as its URL names it. */
export type RedisAddress =
  | { kind: 'server'; url: string }
  | (Addresses & { kind: 'cluster' })
  | (Addresses & { kind: 'sentinel'; masterName: string; db: number; sentinelCredentials: Credentials });

/** `redis(s)+<kind>://[user:password@]host[:port],…[/path][?query]` */
const MANY_HOSTS = /^redis(s?)\+(cluster|sentinel):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?([^?#]*)(?:\?([^#]*))?$/;
const MASTER = /^([^/]+)(?:\/(\d+))?$/;
const DEFAULT_PORT = { cluster: 6379, sentinel: 26_379 };

/**
 * Reads the URL of a Redis: `redis://…`, `redis+cluster://[user:password@]host[:port],…`, or
 * `redis+sentinel://[user:password@]host[:port],…/master-name[/db][?sentinel_username=…&sentinel_password=…]`, where user
 * and password are the master's; `rediss…` for TLS. Throws when it is none of these; the error quotes nothing of it.
 */
export function parseRedisUrl(url: string): RedisAddress {
  if (!/^rediss?\+/.test(url)) {
    if (!/^rediss?:$/.test(new URL(url).protocol)) throw new Error('not the URL of a Redis');
    return { kind: 'server', url };
  }
  const [, tls, kind, credentials, hosts = '', path = '', query = ''] = MANY_HOSTS.exec(url) ?? [];
  if (kind !== 'cluster' && kind !== 'sentinel') throw new Error('not the URL of a Redis');
  const addresses = {
    nodes: hosts.split(',').map((host) => parseNode(host, DEFAULT_PORT[kind])),
    tls: tls === 's',
    credentials: parseCredentials(credentials),
  };
  if (kind === 'sentinel') return { kind, ...addresses, ...parseMaster(path, query) };
  if (path !== '' || query !== '') throw new Error('a Redis Cluster has no databases and takes no options');
  return { kind, ...addresses };
}

/** Whether it is the URL of a Redis that `connectRedis` takes. */
export function isRedisUrl(text: string): boolean {
  try {
    parseRedisUrl(text);
    return true;
  } catch {
    return false;
  }
}

function parseMaster(path: string, query: string) {
  const [, masterName, db = '0'] = MASTER.exec(path.replace(/\/$/, '')) ?? [];
  if (masterName === undefined) throw new Error('the name of the master is missing');
  const {
    sentinel_username: username,
    sentinel_password: password,
    ...unknown
  } = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(unknown).length > 0) throw new Error('expected sentinel_username and sentinel_password only');
  const sentinelCredentials = toCredentials(username, password);
  return { masterName: decodeURIComponent(masterName), db: Number(db), sentinelCredentials };
}

function parseCredentials(text: string | undefined): Credentials {
  if (text === undefined) return {};
  const [username = '', ...password] = text.split(':').map(decodeURIComponent);
  return toCredentials(username, password.length === 0 ? undefined : password.join(':'));
}

function toCredentials(username: string | undefined, password: string | undefined): Credentials {
  return {
    ...(username ? { username } : {}),
    ...(password === undefined ? {} : { password }),
  };
}

function parseNode(text: string, defaultPort: number): { host: string; port: number } {
  const { hostname, port, host } = new URL(`redis://${text}`);
  if (hostname === '' || host !== text) throw new Error('expected host:port,host:port,…');
  // An IPv6 address stands in brackets in a URL only.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) };
}
