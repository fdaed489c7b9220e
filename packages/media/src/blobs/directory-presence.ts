import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBytes } from './durable-file.ts';
import { storageUnavailable, systemCode, toStorageFailure } from './storage-failure.ts';

/** Whether the folder is still the store that this process began with; a lost mount leaves another, empty one behind. */
export interface DirectoryPresence {
  /** The store's identity, made when it has none. What is asked below is asked of the store that had it. */
  identity(): Promise<string>;
  /** Writes a small file of this name unless there is one; resolves with what it says. */
  mark(name: string, text: string): Promise<string>;
  /** Rejects with STORAGE_UNAVAILABLE when the folder is gone, is another one's, or cannot be read. */
  assertHere(): Promise<void>;
  /** Makes the names in this folder survive a power cut; rejects when the folder is not the store's any more. */
  sync(folder: string): Promise<void>;
}

export function createDirectoryPresence(directory: string, incoming: string): DirectoryPresence {
  let known: string | undefined;
  // The folder that was last seen to be the store's: its device and inode.
  let seen: string | undefined;

  const mark = async (name: string, text: string) => {
    const path = join(directory, name);
    return (await readMark(path)) ?? (await createMark(path, text, incoming));
  };
  const assertHere = async () => {
    if (known === undefined) return;
    const found = await readMark(join(directory, 'identity'));
    if (found === undefined) throw storageUnavailable('its folder is empty or not mounted');
    if (found !== known) throw storageUnavailable('its folder holds another store');
  };
  return {
    mark,
    assertHere,
    async identity() {
      known ??= await mark('identity', randomUUID());
      return known;
    },
    async sync(folder) {
      const place = await syncFolder(folder).catch((error: unknown) => {
        throw toStorageFailure(error);
      });
      if (place === seen) return;
      await assertHere();
      seen = place;
    },
  };
}

async function readMark(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw toStorageFailure(error);
  }
}

/** `link` fails when the name is taken, so of several first processes exactly one decides what it says. */
async function createMark(path: string, text: string, incoming: string): Promise<string> {
  const temporary = join(incoming, `mark.${randomUUID()}`);
  try {
    await writeBytes(temporary, Buffer.from(text));
    await link(temporary, path);
    return text;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw toStorageFailure(error);
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A rename survives a power cut only when its directory has been synced too. Says which directory it was. */
async function syncFolder(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
    const { dev, ino } = await handle.stat();
    return `${dev} ${ino}`;
  } finally {
    await handle.close();
  }
}
