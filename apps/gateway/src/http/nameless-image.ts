import type { Writable } from 'node:stream';

const CRLF = '\r\n';
/** As much of a part's head as busboy reads. */
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Has a form parser (busboy) take a part `image` of an image type for a file although it has no file name, by giving it
 * one on the way: by itself the parser would decode its bytes as text.
 */
export function nameImageParts(parser: Writable, contentType: string): void {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return;
  const parts = new PartHeads(boundary);
  const write = parser.write.bind(parser);
  const end = parser.end.bind(parser);
  // What `pipe` calls; multer must go on knowing the parser as the place that it piped to.
  parser.write = (chunk: Buffer) => parts.rewrite(chunk).reduce((_, piece) => write(piece), true);
  parser.end = () => {
    write(parts.rest());
    return end();
  };
}

/** Passes a form on, with a file name added to the heads of nameless images. */
class PartHeads {
  readonly #delimiter: Buffer;
  /** Not passed on yet: what may be the beginning of a delimiter, or a head that is not complete. */
  #pending = Buffer.from(CRLF);
  #inHead = false;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`${CRLF}--${boundary}`, 'latin1');
  }

  rewrite(chunk: Buffer): Buffer[] {
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const pieces: Buffer[] = [];
    for (;;) {
      const end = this.#inHead ? endOfHead(data) : this.#endOfBody(data);
      if (end === undefined) break;
      const piece = data.subarray(0, end);
      pieces.push(this.#inHead ? toNamed(piece) : piece);
      data = data.subarray(end);
      this.#inHead = !this.#inHead;
    }
    const passed = this.#inHead ? 0 : data.length - this.#heldBack(data);
    if (passed > 0) pieces.push(data.subarray(0, passed));
    this.#pending = Buffer.from(data.subarray(passed));
    return pieces;
  }

  rest(): Buffer {
    return this.#pending;
  }

  /** Where the delimiter that ends this part's body ends. */
  #endOfBody(data: Buffer): number | undefined {
    const at = data.indexOf(this.#delimiter);
    return at === -1 ? undefined : at + this.#delimiter.length;
  }

  /** How many of the last bytes may belong to a delimiter that the next chunk completes. */
  #heldBack(data: Buffer): number {
    const from = Math.max(0, data.length - this.#delimiter.length + 1);
    const at = data.indexOf(CRLF[0] ?? '', from);
    return at === -1 ? 0 : data.length - at;
  }
}

/** Where the head ends, its empty line included; at once where there can be none. */
function endOfHead(data: Buffer): number | undefined {
  if (data.length >= 2 && data.toString('latin1', 0, 2) !== CRLF) return 0;
  const at = data.indexOf(CRLF + CRLF);
  if (at !== -1 && at <= MAX_HEAD_BYTES) return at + 4;
  return data.length > MAX_HEAD_BYTES ? 0 : undefined;
}

function toNamed(head: Buffer): Buffer {
  const text = head.toString('latin1');
  const disposition = /^content-disposition:.*$/im.exec(text);
  const isNameless =
    disposition !== null &&
    /;\s*name="?image"?\s*(;|$)/i.test(disposition[0].trimEnd()) &&
    !/;\s*filename\*?=/i.test(disposition[0]) &&
    /^content-type:\s*image\//im.test(text);
  if (!isNameless) return head;
  const end = disposition.index + disposition[0].trimEnd().length;
  return Buffer.from(`${text.slice(0, end)}; filename="image"${text.slice(end)}`, 'latin1');
}
