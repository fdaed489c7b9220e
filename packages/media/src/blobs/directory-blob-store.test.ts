import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeBlobStore } from './blob-store.contract.ts';
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

/** A file system of 1 MB, or undefined where the user may not mount one. */
async function mountSmallDisk(): Promise<string | undefined> {
  const mountPoint = await mkdtemp(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountPoint], { stdio: 'ignore' });
  } catch {
    await rm(mountPoint, { recursive: true });
    return undefined;
  }
  after(async () => {
    execFileSync('umount', [mountPoint]);
    await rm(mountPoint, { recursive: true });
  });
  return mountPoint;
}

test('a full disk is a plain error and leaves nothing', async (t) => {
  const directory = await mountSmallDisk();
  if (!directory) return t.skip('needs the right to mount a small file system');
  const store = createDirectoryBlobStore({ directory });
  const megabytes = async function* (count: number) {
    for (let sent = 0; sent < count * 16; sent += 1) yield await Promise.resolve(Buffer.alloc(65_536, sent));
  };
  await assert.rejects(store.put('large', megabytes(2)), { code: 'ENOSPC' });
  assert.equal(await countFiles(directory), 0);
  await store.put('small', megabytes(0.5));
  assert.equal((await store.read('small')).byteLength, 524_288);
});
