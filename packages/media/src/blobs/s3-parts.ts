export interface Part {
  /** Valid until the next part is asked for: all parts use one buffer. */
  bytes: Buffer;
  last: boolean;
}

/**
 * Cuts chunks into parts of exactly `size` bytes, the last one shorter (or empty, when there are no bytes at all).
 * Memory: `size` bytes, of which the system gives only as many pages as have been written.
 */
export async function* readParts(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Part, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.byteLength; ) {
      if (filled === size) {
        yield { bytes: buffer, last: false };
        filled = 0;
      }
      const taken = chunk.subarray(offset, offset + size - filled);
      buffer.set(taken, filled);
      filled += taken.byteLength;
      offset += taken.byteLength;
    }
  }
  yield { bytes: buffer.subarray(0, filled), last: true };
}
