import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { describeBlobStore } from './blob-store.contract.ts';
import { BlobNotFoundError } from './blob-store.ts';
import { createDirectoryBlobStore } from './directory-blob-store.ts';

const countFiles = async (directory: string) => {
  const files = await Promise.all(['blobs', 'incoming'].map((folder) => readdir(join(directory, folder))));
  return files.flat().length;
};

describeBlobStore('a directory blob store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'blobs-'));
  return {
    store: createDirectoryBlobStore({ directory }),
    another: createDirectoryBlobStore({ directory }),
    leaveTemporary: () => writeFile(join(directory, 'incoming', 'dead.1'), 'half'),
    countEverything: () => countFiles(directory),
    close: () => rm(directory, { recursive: true }),
  };
});

/**
 * A folder on a file system of 1 MB. Where the user may not mount one, a folder that refuses writes: the same to a store.
 */
async function createSmallDisk(
  t: TestContext,
): Promise<{ directory: string; reason: string; relieve: () => Promise<void> }> {
  const mountPoint = await mkdtemp(join(tmpdir(), 'small-disk-'));
  let isMounted = false;
  t.after(async () => {
    if (isMounted) execFileSync('umount', [mountPoint]);
    await rm(mountPoint, { recursive: true });
  });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountPoint], { stdio: 'ignore' });
  } catch {
    await mkdir(join(mountPoint, 'incoming'));
    await chmod(join(mountPoint, 'incoming'), 0o500);
    return { directory: mountPoint, reason: 'EACCES', relieve: () => chmod(join(mountPoint, 'incoming'), 0o700) };
  }
  isMounted = true;
  return { directory: mountPoint, reason: 'ENOSPC', relieve: async () => {} };
}

test('a full disk is STORAGE_UNAVAILABLE and leaves nothing', async (t) => {
  const { directory, reason, relieve } = await createSmallDisk(t);
  const store = createDirectoryBlobStore({ directory });
  const megabytes = async function* (count: number) {
    for (let sent = 0; sent < count * 16; sent += 1) yield await Promise.resolve(Buffer.alloc(65_536, sent));
  };
  const refused = { code: 'STORAGE_UNAVAILABLE', retryable: true, retryAfterSeconds: 5, message: new RegExp(reason) };
  await assert.rejects(store.put('large', megabytes(2)), refused);
  await assert.rejects(store.put('large', megabytes(2)), (error: Error) => !error.message.includes(directory));
  assert.equal(await countFiles(directory), 0);
  await relieve();
  await store.put('small', megabytes(0.5));
  assert.equal((await store.read('small')).byteLength, 524_288);
});

test('a disk without room for anything is found by a probe', async (t) => {
  const { directory, reason, relieve } = await createSmallDisk(t);
  const store = createDirectoryBlobStore({ directory });
  const fill = join(directory, 'fill');
  if (reason === 'ENOSPC') await writeFile(fill, Buffer.alloc(2 ** 20)).catch(() => {});
  await assert.rejects(store.probe(), { code: 'STORAGE_UNAVAILABLE', message: new RegExp(reason) });
  await relieve();
  await rm(fill, { force: true });
  await store.probe();
});

test('a refusal of the source is not taken for one of the store', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'blobs-'));
  t.after(() => rm(directory, { recursive: true }));
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  // oxlint-disable-next-line require-await
  const source = async function* () {
    yield Buffer.from('half');
    throw reset;
  };
  await assert.rejects(createDirectoryBlobStore({ directory }).put('cut', source()), reset);
});

/** A store with one blob, whose folder can be taken away and brought back, as a mount is. */
async function createMountedStore(t: TestContext) {
  const parent = await mkdtemp(join(tmpdir(), 'mount-'));
  t.after(() => rm(parent, { recursive: true }));
  const directory = join(parent, 'store');
  const store = createDirectoryBlobStore({ directory });
  await store.identity();
  await store.put('waiting', bytes('a picture'));
  return {
    store,
    directory,
    unmount: () => rename(directory, join(parent, 'away')),
    mount: async () => {
      await rm(directory, { recursive: true, force: true });
      await rename(join(parent, 'away'), directory);
    },
  };
}

// oxlint-disable-next-line require-await
async function* bytes(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}

test('a store whose folder is gone has lost no blob, and has them all when it is back', async (t) => {
  const { store, directory, unmount, mount } = await createMountedStore(t);
  const away = { code: 'STORAGE_UNAVAILABLE', retryable: true };
  const assertAway = async () => {
    await assert.rejects(store.read('waiting'), away);
    await assert.rejects(store.open('waiting'), away);
    await assert.rejects(store.put('new', bytes('x')), away);
    await assert.rejects(store.list()[Symbol.asyncIterator]().next(), away);
    await assert.rejects(store.probe(), away);
  };
  await unmount();
  await assertAway();
  // What a lost mount leaves: an empty folder.
  await mkdir(directory);
  await assertAway();
  await mount();
  await store.probe();
  assert.equal(String(await store.read('waiting')), 'a picture');
  await assert.rejects(store.read('new'), BlobNotFoundError);
});

test('nothing is stored in, listed from, or missed in a folder that another store took', async (t) => {
  const { store, directory, unmount, mount } = await createMountedStore(t);
  await unmount();
  const other = createDirectoryBlobStore({ directory });
  await other.identity();
  const taken = { code: 'STORAGE_UNAVAILABLE', message: /holds another store/ };
  await assert.rejects(store.put('new', bytes('x')), taken);
  assert.equal(await countFiles(directory), 0);
  await assert.rejects(store.read('waiting'), taken);
  await assert.rejects(store.list()[Symbol.asyncIterator]().next(), taken);
  await mount();
  await store.put('new', bytes('x'));
});
