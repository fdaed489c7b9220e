import { type FileHandle, open } from 'node:fs/promises';
import { toStorageFailure } from './storage-failure.ts';

/** Each write is a trip to a thread and back, so what came meanwhile is written in one go, as it lies in memory. */
const GATHERED_BYTES = 256 * 1024;

/**
 * Writes a new file and syncs it. Rejects with what the chunks threw, or with STORAGE_UNAVAILABLE when the file system
 * refuses; a part of the file may stay then.
 */
export async function writeDurably(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await storing(open(path, 'wx', 0o600));
  try {
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of chunks) {
      gathered.push(chunk);
      bytes += chunk.byteLength;
      if (bytes < GATHERED_BYTES) continue;
      await storing(writeWhole(handle, gathered, bytes));
      gathered = [];
      bytes = 0;
    }
    await storing(writeWhole(handle, gathered, bytes));
    await storing(handle.sync());
  } finally {
    await storing(handle.close());
  }
}

/** As {@link writeDurably}, of bytes that are at hand. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  await writeDurably(path, oneChunk(bytes));
}

/** Unlike `readFile`, without pieces that are joined at the end: half the memory, and a quarter of the time of 5 MB. */
export async function readWhole(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let offset = 0; offset < size; ) {
      const { bytesRead } = await handle.read(bytes, offset, size - offset, offset);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      offset += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

/** One write may store less than it was given, e.g. on a disk that is nearly full. */
async function writeWhole(handle: FileHandle, chunks: readonly Uint8Array[], bytes: number): Promise<void> {
  if (bytes === 0) return;
  let { bytesWritten: written } = await handle.writev(chunks);
  while (written < bytes) {
    const rest = Buffer.concat(chunks).subarray(written);
    written += (await handle.write(rest)).bytesWritten;
  }
}

/** The file system's refusal, apart from what a source threw. */
async function storing<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    throw toStorageFailure(error);
  });
}

// oxlint-disable-next-line require-await
async function* oneChunk(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield chunk;
}
