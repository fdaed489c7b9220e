import { connect, createServer, type Socket } from 'node:net';

/** Stands between one process and Redis. */
export interface RedisTap {
  url: string;
  /**
   * Waits for a command whose text matches, and holds it and everything after it on that connection until `release` is
   * called; what the process has sent before has reached Redis.
   */
  hold(pattern: RegExp): Promise<{ release(): void }>;
  stop(): Promise<void>;
}

/** Forwards connections to the Redis of this port. */
export async function startRedisTap(port: number): Promise<RedisTap> {
  const sockets = new Set<Socket>();
  let wanted: { pattern: RegExp; found: (held: { release(): void }) => void } | undefined;
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    redis.pipe(client);
    client.on('data', (chunk: Buffer) => {
      if (!wanted?.pattern.test(chunk.toString('latin1'))) return void redis.write(chunk);
      client.pause();
      const { found } = wanted;
      wanted = undefined;
      found({
        release() {
          redis.write(chunk);
          client.resume();
        },
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the tap has no port');
  return {
    url: `redis://127.0.0.1:${address.port}`,
    hold: (pattern) =>
      new Promise((found) => {
        wanted = { pattern, found };
      }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
