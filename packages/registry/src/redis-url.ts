/** Where a Redis Cluster is met, as its URL names it. */
export interface ClusterAddress {
  /** Some of its nodes; the others are learned from them. */
  nodes: { host: string; port: number }[];
  tls: boolean;
  username?: string;
  password?: string;
}

const CLUSTER = /^redis(s?)\+cluster:\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/;
const DEFAULT_PORT = 6379;

/**
 * Reads `redis+cluster://[user:password@]host[:port],host[:port],…` (`rediss+cluster://…` for TLS); undefined when the
 * URL does not name a cluster. Throws when it does and cannot be read.
 */
export function parseClusterUrl(url: string): ClusterAddress | undefined {
  if (!/^rediss?\+cluster:/.test(url)) return undefined;
  const [, tls, credentials, hosts = ''] = CLUSTER.exec(url) ?? [];
  const address: ClusterAddress = { nodes: hosts.split(',').map(parseNode), tls: tls === 's' };
  if (credentials !== undefined) {
    const [username = '', ...password] = credentials.split(':');
    if (username !== '') address.username = decodeURIComponent(username);
    if (password.length > 0) address.password = decodeURIComponent(password.join(':'));
  }
  return address;
}

/** Whether it is the URL of a Redis server or cluster that `connectRedis` takes. */
export function isRedisUrl(text: string): boolean {
  try {
    return parseClusterUrl(text) !== undefined || /^rediss?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

function parseNode(text: string): { host: string; port: number } {
  const { hostname, port, host } = new URL(`redis://${text}`);
  if (hostname === '' || host !== text) throw new Error('expected host:port,host:port,… in the URL of a Redis Cluster');
  // An IPv6 address stands in brackets in a URL only.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? DEFAULT_PORT : Number(port) };
}
