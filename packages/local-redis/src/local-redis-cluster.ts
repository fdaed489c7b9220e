import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '@postern/runtime';
import { askRedis } from './ask-redis.ts';
import { freePort } from './free-port.ts';
import { type LocalRedis, startLocalRedis } from './local-redis.ts';

export interface LocalRedisClusterOptions {
  /** Asked of every client and node. Default: none. */
  password?: string;
  /** The port that clients are told instead of a node's own: of a relay that leads to it, for one. */
  announcedPort?: (nodePort: number) => Promise<number>;
  onProgress?: (step: string) => void;
}

/** Three masters without replicas: a dead one takes its slots, and with them the cluster, down. */
export interface LocalRedisCluster {
  /** As `connectRedis` takes it. */
  url: string;
  /** The newest process of each. */
  readonly nodes: readonly LocalRedis[];
  /** The index of the node that keeps this key. */
  nodeOf(key: string): Promise<number>;
  /** Starts nodes whose processes were killed: with their files, on their ports. Resolves when the cluster is whole. */
  restart(...indexes: number[]): Promise<void>;
  /** Resolves when every node says that all slots are served. */
  untilWhole(): Promise<void>;
  stop(): Promise<void>;
}

const NODES = 3;
const SLOTS = 16_384;
// Redis' own distance between the port for clients and the port for other nodes.
const BUS_OFFSET = 10_000;
const WHOLE_WITHIN_MS = 30_000;
const SETTINGS = {
  'cluster-enabled': 'yes',
  'cluster-config-file': 'nodes.conf',
  // How long a node may be silent before the others call it dead.
  'cluster-node-timeout': '2000',
};

/**
 * Starts a real Redis Cluster on free loopback ports, each node as durable as `startLocalRedis` makes it; its files are
 * removed by `stop`. Resolves when it serves all slots; the nodes end with this process, however that ends.
 */
export async function startLocalRedisCluster(options: LocalRedisClusterOptions = {}): Promise<LocalRedisCluster> {
  const { password, announcedPort, onProgress } = options;
  const directory = await mkdtemp(join(tmpdir(), 'postern-cluster-'));
  const settings = { ...SETTINGS, ...(password === undefined ? {} : { masterauth: password }) };
  const start = async (index: number, port: number) =>
    startLocalRedis({
      directory: join(directory, String(index)),
      port,
      settings: { ...settings, ...(announcedPort ? toAnnouncement(port, await announcedPort(port)) : {}) },
      ...(password === undefined ? {} : { password }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  const nodes: LocalRedis[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    // A node that was killed may still be writing its last file.
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  const ask = (index: number, ...command: string[]) => askRedis(nodes[index]?.port ?? 0, command, password);
  const untilWhole = async () => {
    const deadline = performance.now() + WHOLE_WITHIN_MS;
    const isWhole = async (index: number) => {
      const info = await ask(index, 'CLUSTER', 'INFO').catch(() => '');
      return /cluster_state:ok/.test(info) && new RegExp(`cluster_known_nodes:${NODES}`).test(info);
    };
    while ((await Promise.all(nodes.map((_, index) => isWhole(index)))).includes(false)) {
      if (performance.now() > deadline) throw new Error('the Redis Cluster is not whole within 30 s');
      await delay(50);
    }
  };
  try {
    for (let index = 0; index < NODES; index += 1) nodes.push(await start(index, await freePortWithBus()));
    for (const index of nodes.keys()) {
      // Nodes that know which of them is newer agree at once.
      await ask(index, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      await ask(index, 'CLUSTER', 'ADDSLOTS', ...slotsOf(index));
      await ask(0, 'CLUSTER', 'MEET', '127.0.0.1', String(nodes[index]?.port));
    }
    await untilWhole();
  } catch (error) {
    await stop();
    throw error;
  }
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    url: `redis+cluster://${credentials}${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    nodeOf: async (key) => toNode(Number(await ask(0, 'CLUSTER', 'KEYSLOT', key))),
    async restart(...indexes) {
      const restartOne = async (index: number) => {
        nodes[index] = await start(index, nodes[index]?.port ?? 0);
      };
      await Promise.all(indexes.map(restartOne));
      await untilWhole();
    },
    untilWhole,
    stop,
  };
}

function toAnnouncement(port: number, announced: number): Record<string, string> {
  return { 'cluster-announce-port': String(announced), 'cluster-announce-bus-port': String(port + BUS_OFFSET) };
}

function toNode(slot: number): number {
  return Math.floor((slot * NODES) / SLOTS);
}

function slotsOf(node: number): string[] {
  return Array.from({ length: SLOTS }, (_, slot) => slot)
    .filter((slot) => toNode(slot) === node)
    .map(String);
}

/** A free port whose port for other nodes is free too. */
async function freePortWithBus(): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      await freePort(port + BUS_OFFSET);
      return port;
    } catch (error) {
      if (attempt === 100) throw error;
    }
  }
}
