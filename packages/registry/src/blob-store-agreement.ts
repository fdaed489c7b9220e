import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** What is asked of a blob store here. */
export interface OwnedStore {
  identity(): Promise<string>;
  /** Notes that the store belongs to this installation, unless it belongs to one; resolves with the one it belongs to. */
  claim(installation: string): Promise<string>;
}

/**
 * Holds an installation (everyone on this Redis, under this prefix) and its blob store together, from both sides: Redis
 * remembers the store, the store remembers the installation.
 */
export interface BlobStoreAgreement {
  /**
   * Throws, with what to configure, when this process sees another store than everyone else, or when the store belongs to
   * another installation, whose waiting images a sweep would delete.
   */
  verify(): Promise<void>;
}

export function createBlobStoreAgreement(redis: Redis, keys: Keys, store: OwnedStore): BlobStoreAgreement {
  // Written again by whoever still knows it, should Redis lose its data.
  let installation: string = randomUUID();
  return {
    async verify() {
      const identity = await store.identity();
      if ((await readOrWrite(redis, keys.blobStore, identity)) !== identity) {
        throw new Error(
          'This process does not share its blob store with the others on this Redis. Point BLOB_DIR (or BLOB_S3_*) of every ' +
            'gateway and worker at one store, and see that its file system is mounted; after moving it on purpose, delete ' +
            `the Redis key ${keys.blobStore}.`,
        );
      }
      installation = await readOrWrite(redis, keys.installation, installation);
      if ((await store.claim(installation)) === installation) return;
      throw new Error(
        'This blob store belongs to another installation (another Redis or another REDIS_PREFIX), whose images would be ' +
          'deleted. Give each installation a BLOB_DIR (or BLOB_S3_PREFIX) of its own; to take the store over on purpose, see ' +
          'docs/blobs.md, Whose store it is.',
      );
    },
  };
}

async function readOrWrite(redis: Redis, key: string, value: string): Promise<string> {
  await redis.set(key, value, 'NX');
  return (await redis.get(key)) ?? value;
}
