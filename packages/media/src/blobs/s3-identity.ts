import { randomUUID } from 'node:crypto';
import { delay } from '@postern/runtime';
import type { S3Call } from './s3-client.ts';
import { isS3Error } from './s3-error.ts';
import type { ObjectAddress } from './s3-upload.ts';

/** Longer than the time between anyone's finding no identity and that one's write having taken effect. */
const SETTLE_MS = 2_000;
const ROUNDS = 10;

/**
 * Reads the store's identity, or makes one that all agree on. The write is conditional (`If-None-Match: *`), so on most
 * servers the first one wins. Some servers ignore the condition, and there the last one wins: therefore an identity is
 * believed only once it is older than all who may have raced to write it, or was read twice that far apart. (A write that
 * such a server takes still later is found when the processes compare their identities.)
 */
export async function readOrCreateIdentity(call: S3Call, address: ObjectAddress): Promise<string> {
  let earlier: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const found = await read(call, address);
    if (!found) {
      await create(call, address);
      continue;
    }
    if (found.identity === earlier || found.ageMs > SETTLE_MS) return found.identity;
    earlier = found.identity;
    await delay(SETTLE_MS);
  }
  throw new Error('the identity of the blob store changes all the time');
}

async function read(call: S3Call, address: ObjectAddress): Promise<{ identity: string; ageMs: number } | undefined> {
  try {
    return await call(async (s3) => {
      const { Body, LastModified } = await s3.getObject(address);
      const identity = (await Body?.transformToString()) ?? '';
      return { identity, ageMs: Date.now() - (LastModified?.getTime() ?? Date.now()) };
    });
  } catch (error) {
    if (isS3Error(error, 'NoSuchKey')) return undefined;
    throw error;
  }
}

async function create(call: S3Call, address: ObjectAddress): Promise<void> {
  const object = { ...address, Body: randomUUID() };
  try {
    await call((s3) => s3.putObject({ ...object, IfNoneMatch: '*' }));
  } catch (error) {
    // Another one was first, or is just writing.
    if (isS3Error(error, 'PreconditionFailed', 'ConditionalRequestConflict')) return;
    if (!isS3Error(error, 'NotImplemented')) throw error;
    await call((s3) => s3.putObject(object));
  }
}
