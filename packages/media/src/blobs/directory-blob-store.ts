import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, opendir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { abortable } from './abortable.ts';
import { assertBlobId, type BlobEntry, type BlobStore } from './blob-store.ts';
import { createDirectoryPresence } from './directory-presence.ts';
import { readWhole, writeBytes, writeDurably } from './durable-file.ts';
import { findBlob } from './find-blob.ts';
import { createSharedRuns } from './shared-runs.ts';
import { systemCode, toStorageFailure } from './storage-failure.ts';

export interface DirectoryBlobStoreOptions {
  /** Absolute path; created when missing. Gateways and workers share it, so it is one file system. */
  directory: string;
}

/** More than a file system keeps beside a file's name. */
const PROBE = new Uint8Array(4096);

/**
 * A blob store in a directory: `blobs/` holds complete blobs, `incoming/` what is being written, `identity` the store's id,
 * `owner` whose it is. Throws at once when the directory cannot be made.
 */
export function createDirectoryBlobStore({ directory }: DirectoryBlobStoreOptions): BlobStore {
  const blobs = join(directory, 'blobs');
  const incoming = join(directory, 'incoming');
  for (const folder of [blobs, incoming]) mkdirSync(folder, { recursive: true, mode: 0o700 });

  const presence = createDirectoryPresence(directory, incoming);
  const syncBlobs = createSharedRuns(() => presence.sync(blobs));
  const pathOf = (id: string) => {
    assertBlobId(id);
    return join(blobs, id);
  };
  const find = async <T>(id: string, use: (path: string) => Promise<T>): Promise<T> => {
    const path = pathOf(id);
    return await findBlob(
      id,
      () => use(path).catch(undefinedIfMissing),
      () => presence.assertHere(),
    );
  };

  return {
    async put(id, chunks, signal) {
      const target = pathOf(id);
      const temporary = join(incoming, `${id}.${randomUUID()}`);
      try {
        await writeDurably(temporary, abortable(chunks, signal));
        signal?.throwIfAborted();
        await rename(temporary, target).catch(rejectAsUnavailable);
      } catch (error) {
        await removeQuietly(temporary);
        throw error;
      }
      try {
        await syncBlobs();
      } catch (error) {
        await removeQuietly(target);
        throw error;
      }
    },

    async read(id) {
      return await find(id, readWhole);
    },

    async open(id): Promise<Readable> {
      const handle = await find(id, open);
      return handle.createReadStream();
    },

    async delete(id) {
      // Not `rm`, which asks for the file's kind first: this is called once a message.
      await unlink(pathOf(id)).catch(undefinedIfMissing);
    },

    async *list(): AsyncGenerator<BlobEntry, void, undefined> {
      await presence.assertHere();
      for await (const entry of await opendir(blobs).catch(rejectAsUnavailable)) {
        const modifiedAtMs = await modifiedAt(join(blobs, entry.name));
        if (modifiedAtMs !== undefined) yield { id: entry.name, modifiedAtMs };
      }
    },

    async identity() {
      return await presence.identity();
    },

    async claim(installation) {
      return await presence.mark('owner', installation);
    },

    async probe() {
      await presence.assertHere();
      const path = join(incoming, `probe.${randomUUID()}`);
      try {
        await writeBytes(path, PROBE);
      } finally {
        await removeQuietly(path);
      }
    },

    async sweepTemporary(olderThanMs) {
      let swept = 0;
      for await (const entry of await opendir(incoming).catch(rejectAsUnavailable)) {
        const path = join(incoming, entry.name);
        const modifiedAtMs = await modifiedAt(path);
        if (modifiedAtMs === undefined || Date.now() - modifiedAtMs < olderThanMs) continue;
        await rm(path, { force: true });
        swept += 1;
      }
      return swept;
    },
  };
}

/** What cannot be removed now is swept later. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}

async function modifiedAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(undefinedIfMissing))?.mtimeMs;
}

function undefinedIfMissing(error: unknown): undefined {
  if (systemCode(error) !== 'ENOENT') rejectAsUnavailable(error);
}

function rejectAsUnavailable(error: unknown): never {
  throw toStorageFailure(error);
}
