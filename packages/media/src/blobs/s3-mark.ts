import { delay } from '@postern/runtime';
import type { S3Call } from './s3-client.ts';
import { isS3Error } from './s3-error.ts';
import type { ObjectAddress } from './s3-upload.ts';

/** Longer than the time between anyone's finding no identity and that one's write having taken effect. */
const SETTLE_MS = 2_000;
const ROUNDS = 10;

/**
 * Reads what a small object says (the store's identity, its owner), or writes `text` into it, so that all agree. The write
 * is conditional (`If-None-Match: *`), so on most servers the first one wins. Some servers ignore the condition, and there
 * the last one wins: therefore a text is believed only once it is older than all who may have raced to write it, or was
 * read twice that far apart. (A write that such a server takes still later is found when the processes compare.)
 */
export async function readOrCreateMark(call: S3Call, address: ObjectAddress, text: string): Promise<string> {
  let earlier: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const found = await readMark(call, address);
    if (!found) {
      await create(call, address, text);
      continue;
    }
    if (found.text === earlier || found.ageMs > SETTLE_MS) return found.text;
    earlier = found.text;
    await delay(SETTLE_MS);
  }
  throw new Error(`${address.Key} of the blob store changes all the time`);
}

/** What the object says and for how long; undefined when there is none. */
export async function readMark(
  call: S3Call,
  address: ObjectAddress,
): Promise<{ text: string; ageMs: number } | undefined> {
  try {
    return await call(async (s3) => {
      const { Body, LastModified } = await s3.getObject(address);
      const text = (await Body?.transformToString()) ?? '';
      return { text, ageMs: Date.now() - (LastModified?.getTime() ?? Date.now()) };
    });
  } catch (error) {
    if (isS3Error(error, 'NoSuchKey')) return undefined;
    throw error;
  }
}

async function create(call: S3Call, address: ObjectAddress, text: string): Promise<void> {
  const object = { ...address, Body: text };
  try {
    await call((s3) => s3.putObject({ ...object, IfNoneMatch: '*' }));
  } catch (error) {
    // Another one was first, or is just writing.
    if (isS3Error(error, 'PreconditionFailed', 'ConditionalRequestConflict')) return;
    if (!isS3Error(error, 'NotImplemented')) throw error;
    await call((s3) => s3.putObject(object));
  }
}
