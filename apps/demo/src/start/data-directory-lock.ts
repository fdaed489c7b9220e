import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

export interface DataDirectoryLock {
  release(): void;
}

/**
 * Makes the directory, readable for this user alone, and locks it: a second process would run a second Redis on the same
 * files. Throws when another process holds it. The lock is the operating system's, held by SQLite on an empty database,
 * and ends with this process however that ends.
 */
export async function lockDataDirectory(directory: string): Promise<DataDirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(directory, 'lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error) || Reflect.get(error, 'errcode') !== SQLITE_BUSY) throw error;
    throw new Error(
      `DATA_DIR: Postern runs already in ${directory}. Stop it first, or set DATA_DIR to another folder (and PORT to a free port) for a second one`,
      { cause: error },
    );
  }
  return { release: () => database.close() };
}
