/** A chunk of a WebP's RIFF container. */
export interface WebpChunk {
  /** Four characters, e.g. `VP8X`. */
  type: string;
  data: Buffer;
}

const HEADER_LENGTH = 12;

/** The chunks of a WebP (RFC 9649, 2.3); the last one may be cut off. */
export function* walkWebp(bytes: Buffer): Generator<WebpChunk, void, undefined> {
  for (let offset = HEADER_LENGTH; offset + 8 <= bytes.byteLength; ) {
    const length = bytes.readUInt32LE(offset + 4);
    yield { type: bytes.toString('latin1', offset, offset + 4), data: bytes.subarray(offset + 8, offset + 8 + length) };
    offset += 8 + length + (length % 2);
  }
}
