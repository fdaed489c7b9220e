const LENGTH_BYTES = 3;

/** Cuts a byte stream into frames: three bytes of big-endian length, then that many bytes. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #introduced = false;

  /** The frames completed by these bytes. The connection's introduction (`WA 06 03`, or `ED…` with routing information
   * before it) is skipped. Throws when the stream does not begin with one. */
  push(bytes: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#introduced && !this.#skipIntroduction()) return [];
    const frames: Buffer[] = [];
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#rest.readUIntBE(0, LENGTH_BYTES);
      if (this.#rest.length < end) break;
      frames.push(this.#rest.subarray(LENGTH_BYTES, end));
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }

  #skipIntroduction(): boolean {
    let start = 0;
    if (this.#rest.toString('latin1', 0, 2) === 'ED') {
      if (this.#rest.length < 7) return false;
      start = 7 + this.#rest.readUIntBE(4, 3);
    }
    if (this.#rest.length < start + 4) return false;
    if (this.#rest.toString('latin1', start, start + 2) !== 'WA') throw new Error('the stream has no introduction');
    this.#rest = this.#rest.subarray(start + 4);
    this.#introduced = true;
    return true;
  }
}

/** The frame around a payload. */
export function toFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length);
  frame.writeUIntBE(payload.length, 0, LENGTH_BYTES);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}
