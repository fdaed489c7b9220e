/** Encrypted uploads in memory by their hash; beyond `maxBytes` the one unused for longest goes. */
export class MediaStore {
  readonly #files = new Map<string, Buffer>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(hash: string, body: Buffer): void {
    this.#forget(hash);
    this.#files.set(hash, body);
    this.#bytes += body.length;
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === hash) return;
      this.#forget(oldest);
    }
  }

  get(hash: string): Buffer | undefined {
    const body = this.#files.get(hash);
    if (!body) return undefined;
    this.#files.delete(hash);
    this.#files.set(hash, body);
    return body;
  }

  #forget(hash: string): void {
    this.#bytes -= this.#files.get(hash)?.length ?? 0;
    this.#files.delete(hash);
  }
}
