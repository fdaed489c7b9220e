import { connect, createServer, type Socket } from 'node:net';

/** Stands between processes and Redis, for tests of what a network can do. */
export interface RedisRelay {
  port: number;
  url: string;
  /** Where new connections lead from now on; those that exist stay where they are. */
  pointTo(port: number): void;
  /**
   * Makes connections half-open, as when a host vanishes: they stay open and carry nothing any more, in either direction.
   * Only those whose name (CLIENT SETNAME) matches; answers how many. New ones are whole.
   */
  cutSilently(name?: RegExp): number;
  /**
   * Waits for a command whose text matches, and holds it and everything after it on that connection until `release` is
   * called; what the process has sent before has reached Redis.
   */
  hold(pattern: RegExp): Promise<{ release(): void }>;
  stop(): Promise<void>;
}

const REMEMBERED_BYTES = 4096;

interface Pair {
  client: Socket;
  redis: Socket;
  /** What the client sent first. */
  greeting: string;
  isSilent: boolean;
}

/** Forwards connections to the Redis of this port on loopback. */
export async function startRedisRelay(redisPort: number): Promise<RedisRelay> {
  const pairs = new Set<Pair>();
  let target = redisPort;
  let wanted: { pattern: RegExp; found: (held: { release(): void }) => void } | undefined;

  const forward = (pair: Pair, chunk: Buffer) => {
    const text = chunk.toString('latin1');
    if (pair.greeting.length < REMEMBERED_BYTES) pair.greeting += text;
    if (pair.isSilent) return;
    if (!wanted?.pattern.test(text)) return void pair.redis.write(chunk);
    pair.client.pause();
    const { found } = wanted;
    wanted = undefined;
    found({
      release() {
        pair.redis.write(chunk);
        pair.client.resume();
      },
    });
  };
  const server = createServer((client) => {
    const redis = connect(target, '127.0.0.1');
    const pair: Pair = { client, redis, greeting: '', isSilent: false };
    pairs.add(pair);
    for (const socket of [client, redis]) socket.setNoDelay(true).on('error', () => {});
    client.on('data', (chunk: Buffer) => forward(pair, chunk));
    redis.on('data', (chunk: Buffer) => pair.isSilent || client.write(chunk));
    client.once('close', () => {
      pairs.delete(pair);
      redis.destroy();
    });
    // Nobody learns of the end of a connection that was cut silently.
    redis.once('close', () => pair.isSilent || client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the relay has no port');
  return {
    port: address.port,
    url: `redis://127.0.0.1:${address.port}`,
    pointTo(port) {
      target = port;
    },
    cutSilently(name = /(?:)/) {
      const cut = [...pairs].filter((pair) => !pair.isSilent && name.test(readName(pair.greeting)));
      for (const pair of cut) pair.isSilent = true;
      return cut.length;
    },
    hold: (pattern) =>
      new Promise((found) => {
        wanted = { pattern, found };
      }),
    async stop() {
      for (const { client, redis } of pairs) {
        client.destroy();
        redis.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readName(greeting: string): string {
  return /setname\r\n\$\d+\r\n([^\r]*)/i.exec(greeting)?.[1] ?? '';
}
