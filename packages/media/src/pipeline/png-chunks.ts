/** A chunk of a PNG. */
export interface PngChunk {
  /** Four letters, e.g. `IHDR`. */
  type: string;
  data: Buffer;
  /** Length, type, data and checksum. */
  bytes: Buffer;
}

const SIGNATURE_LENGTH = 8;
/** Length and type before a chunk's data, checksum after it. */
const OVERHEAD = 12;

/** The chunks of a PNG up to `IEND`; without one where the bytes are cut off. */
export function* walkPng(bytes: Buffer): Generator<PngChunk, void, undefined> {
  for (let offset = SIGNATURE_LENGTH; offset + 8 <= bytes.byteLength; ) {
    const end = offset + OVERHEAD + bytes.readUInt32BE(offset);
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    if (type !== 'IEND' && end > bytes.byteLength) return;
    yield { type, data: bytes.subarray(offset + 8, end - 4), bytes: bytes.subarray(offset, end) };
    if (type === 'IEND') return;
    offset = end;
  }
}
