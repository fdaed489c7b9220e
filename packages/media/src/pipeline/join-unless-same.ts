/**
 * The parts in one buffer: the whole itself where they are all of it, in order, which saves a copy of a picture from which
 * nothing had to be removed.
 */
export function joinUnlessSame(whole: Buffer, parts: readonly Buffer[]): Buffer {
  return isSame(whole, parts) ? whole : Buffer.concat(parts);
}

function isSame(whole: Buffer, parts: readonly Buffer[]): boolean {
  let offset = 0;
  for (const part of parts) {
    const end = offset + part.byteLength;
    const isView = part.buffer === whole.buffer && part.byteOffset === whole.byteOffset + offset;
    if (!isView && !part.equals(whole.subarray(offset, end))) return false;
    offset = end;
  }
  return offset === whole.byteLength;
}
