import type { Cluster, Redis } from 'ioredis';

/** The names of all keys that match a pattern, in batches of any size, each name at least once; of a cluster, on all nodes. */
export async function* scanKeys(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  for (const node of toMasters(redis)) {
    let cursor = '0';
    do {
      const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
      if (found.length > 0) yield found;
      cursor = next;
    } while (cursor !== '0');
  }
}

/** The nodes that hold keys: those of a cluster, else the one server. */
export function toMasters(client: Redis | Cluster): Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}
