import { startLocalRedis } from '@postern/local-redis';

/** Many test files start a Redis at once; where none is installed, it is installed here, before them and only once. */
export async function globalSetup(): Promise<void> {
  await (await startLocalRedis({ onProgress: console.error })).stop();
}
