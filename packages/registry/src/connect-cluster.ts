import { delay } from '@postern/runtime';
import type { Cluster, ClusterOptions, Redis } from 'ioredis';
import { ClusterClient } from './cluster-client.ts';
import type { ConnectOptions } from './connect.ts';
import { connectionOptions, createCommandDeadline, retryDelayMs } from './connection-profile.ts';
import type { RedisAddress } from './redis-url.ts';
import { watchConnection } from './watch-connection.ts';

/**
 * How commands fare whose node is gone, stopped or not the slot's master any more. ioredis asks again, which costs one of
 * `maxRedirections`, after looking up the slots anew; the deadline of a fast command goes on meanwhile.
 */
const PATIENCE = {
  patient: {
    enableOfflineQueue: true,
    maxRedirections: Number.POSITIVE_INFINITY,
    retryDelayOnFailover: 300,
    retryDelayOnClusterDown: 300,
    // Between two nodes that send each other's clients back, until they agree.
    retryDelayOnMoved: 20,
  },
  fast: {
    enableOfflineQueue: false,
    maxRedirections: 3,
    retryDelayOnFailover: 50,
    // 0: the refusal itself is the answer.
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: 400,
  },
} satisfies Record<ConnectOptions['profile'], ClusterOptions>;

/** Connects to a cluster in the background. Also emits `ready` whenever a connection to one of its nodes is made. */
export function openCluster(address: RedisAddress & { kind: 'cluster' }, options: ConnectOptions): Cluster {
  const { nodes, tls, credentials } = address;
  const settings: ClusterOptions = {
    ...PATIENCE[options.profile],
    clusterRetryStrategy: retryDelayMs,
    // When this check fails, ioredis' connect() never settles, and BullMQ waits for it while a node is down.
    enableReadyCheck: false,
    // A certificate is for a name; without TLS ioredis looks names up, because the nodes call each other by address.
    ...(tls ? { dnsLookup: (host, answer) => answer(null, host) } : {}),
    redisOptions: {
      ...connectionOptions(options),
      ...credentials,
      ...(tls ? { tls: {} } : {}),
    },
  };
  const cluster = new ClusterClient(nodes, settings, createCommandDeadline(options));
  cluster.on('node error', options.onError);
  cluster.on('+node', (node: Redis) => {
    watchConnection(node, { mayBeReplica: true, onError: options.onError });
    // A node that died is forgotten and found again, while the others kept the cluster's client ready.
    node.once('ready', () => cluster.status === 'ready' && cluster.emit('ready'));
  });
  return cluster;
}

/**
 * Resolves when all slots are served and every master has answered or failed; rejects when the signal aborts. A node is
 * connected to at its first command, and until then a client without an offline queue refuses the next ones.
 */
export async function untilWhole(cluster: Cluster, signal: AbortSignal): Promise<void> {
  for (;;) {
    const info = await cluster.cluster('INFO').catch(() => '');
    await Promise.allSettled(cluster.nodes('master').map((node) => node.ping()));
    if (info.includes('cluster_state:ok') && cluster.status === 'ready') return;
    await delay(100, signal);
  }
}
