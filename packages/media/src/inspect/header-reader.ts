/** Pixel dimensions as the header states them, before any EXIF orientation. */
export interface Dimensions {
  width: number;
  height: number;
}

/** Finds the dimensions in the first bytes of one format; it is fed the file in order and keeps constant memory. */
export interface HeaderReader {
  /** Takes the next bytes; returns the dimensions once they are known. Throws a {@link BrokenHeaderError} when they cannot be. */
  push(chunk: Uint8Array): Dimensions | undefined;
}

/** The bytes begin like the format but cannot be one; the message completes the sentence "it …". */
export class BrokenHeaderError extends Error {
  override name = 'BrokenHeaderError';
}

/** A reader for formats whose dimensions stand within their first `length` bytes. */
export function createFixedHeaderReader(length: number, parse: (header: DataView) => Dimensions): HeaderReader {
  const header = new Uint8Array(length);
  let filled = 0;
  return {
    push(chunk) {
      const taken = chunk.subarray(0, length - filled);
      header.set(taken, filled);
      filled += taken.byteLength;
      return filled < length ? undefined : parse(new DataView(header.buffer));
    },
  };
}
