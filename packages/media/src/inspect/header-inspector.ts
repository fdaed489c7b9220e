import { Failure, IMAGE_LIMITS, type ImageMimeType } from '@postern/contract';
import { createGifHeaderReader, createPngHeaderReader, createWebpHeaderReader } from './fixed-headers.ts';
import { BrokenHeaderError, type Dimensions, type HeaderReader } from './header-reader.ts';
import { createJpegHeaderReader } from './jpeg-header.ts';
import { NAMING_LENGTH, nameForeignFormat, SNIFF_LENGTH, sniffFormat } from './sniff.ts';

/** Which request field a broken rule is reported for. */
export type ImageField = 'image' | 'image_url';

export interface ImageHeader extends Dimensions {
  mimetype: ImageMimeType;
}

/** Finds format and dimensions in a passing stream. Both methods throw a VALIDATION_ERROR once a rule is surely broken. */
export interface HeaderInspector {
  push(chunk: Uint8Array): void;
  finish(): ImageHeader;
}

const READERS = {
  'image/jpeg': createJpegHeaderReader,
  'image/png': createPngHeaderReader,
  'image/gif': createGifHeaderReader,
  'image/webp': createWebpHeaderReader,
} as const satisfies Record<ImageMimeType, () => HeaderReader>;

/** Keeps at most the first 512 bytes, and those only until the format is recognised. */
export function createHeaderInspector(field: ImageField): HeaderInspector {
  let head: Uint8Array = new Uint8Array(0);
  let bytes = 0;
  let found: { mimetype: ImageMimeType; reader: HeaderReader } | undefined;
  let dimensions: Dimensions | undefined;

  const refuse = (message: string) => Failure.field(field, message);

  const read = (reader: HeaderReader, chunk: Uint8Array) => {
    try {
      dimensions ??= reader.push(chunk);
    } catch (error) {
      if (!(error instanceof BrokenHeaderError)) throw error;
      throw refuse(`expected a JPEG, PNG, GIF or WebP image, but it ${error.message}`);
    }
    if (dimensions) checkDimensions(dimensions, refuse);
  };

  const recognise = (chunk: Uint8Array, isLast: boolean) => {
    const added = chunk.subarray(0, NAMING_LENGTH - head.byteLength);
    head = Buffer.concat([head, added]);
    if (head.byteLength < SNIFF_LENGTH && !isLast) return;
    const mimetype = sniffFormat(head);
    if (!mimetype) {
      if (head.byteLength < NAMING_LENGTH && !isLast) return;
      throw refuse(`expected a JPEG, PNG, GIF or WebP image, got ${nameForeignFormat(head)}`);
    }
    const reader = READERS[mimetype]();
    found = { mimetype, reader };
    read(reader, head);
    read(reader, chunk.subarray(added.byteLength));
    head = new Uint8Array(0);
  };

  return {
    push(chunk) {
      bytes += chunk.byteLength;
      if (!found) recognise(chunk, false);
      else if (!dimensions) read(found.reader, chunk);
    },
    finish() {
      if (bytes === 0) throw refuse('expected an image, got an empty file (0 bytes)');
      if (!found) recognise(new Uint8Array(0), true);
      if (!found || !dimensions) {
        throw refuse(`expected a whole image, but it ends after ${bytes} bytes, within its header`);
      }
      return { mimetype: found.mimetype, ...dimensions };
    },
  };
}

function checkDimensions({ width, height }: Dimensions, refuse: (message: string) => Failure): void {
  const { minPixelsPerEdge: min, maxPixelsPerEdge: max } = IMAGE_LIMITS;
  if (width >= min && height >= min && width <= max && height <= max) return;
  throw refuse(`is ${width}×${height} pixels; each edge must have ${min} to ${max}`);
}
