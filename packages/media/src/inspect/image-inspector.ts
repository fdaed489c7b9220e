import { createHash } from 'node:crypto';
import { Failure, IMAGE_LIMITS, type ImageMimeType } from '@postern/contract';
import { createGifHeaderReader, createPngHeaderReader, createWebpHeaderReader } from './fixed-headers.ts';
import { BrokenHeaderError, type Dimensions, type HeaderReader } from './header-reader.ts';
import { createJpegHeaderReader } from './jpeg-header.ts';
import { NAMING_LENGTH, nameForeignFormat, SNIFF_LENGTH, sniffFormat } from './sniff.ts';

/** What the bytes say about themselves. */
export interface InspectedImage {
  mimetype: ImageMimeType;
  /** Pixels as the header states them, before any EXIF orientation. */
  width: number;
  height: number;
  bytes: number;
  /** Lower-case hex of all bytes. */
  sha256: string;
}

/** Which request field a broken rule is reported for. */
export type ImageField = 'image' | 'image_url';

export interface ImageInspector {
  /** Takes the next bytes; throws a VALIDATION_ERROR as soon as it is certain that a rule is broken. */
  push(chunk: Uint8Array): void;
  /** Call once, after the last byte; throws a VALIDATION_ERROR when the bytes ended too early. */
  finish(): InspectedImage;
}

const READERS = {
  'image/jpeg': createJpegHeaderReader,
  'image/png': createPngHeaderReader,
  'image/gif': createGifHeaderReader,
  'image/webp': createWebpHeaderReader,
} as const satisfies Record<ImageMimeType, () => HeaderReader>;

/**
 * Checks the image rules of the contract on a passing stream, in constant memory: format by its bytes, size, dimensions
 * by the header; hashes and counts on the way. The pixels are not decoded: a damaged body passes here.
 */
export function createImageInspector(field: ImageField = 'image'): ImageInspector {
  const hash = createHash('sha256');
  let bytes = 0;
  let head = new Uint8Array(0);
  let mimetype: ImageMimeType | undefined;
  let reader: HeaderReader | undefined;
  let dimensions: Dimensions | undefined;

  const refuse = (message: string) => Failure.field(field, message);

  const readHeader = (chunk: Uint8Array) => {
    try {
      dimensions = reader?.push(chunk);
    } catch (error) {
      if (error instanceof BrokenHeaderError)
        throw refuse(`expected a JPEG, PNG, GIF or WebP image, but it ${error.message}`);
      throw error;
    }
    if (dimensions) checkDimensions(dimensions, refuse);
  };

  const recognise = (chunk: Uint8Array, isLast: boolean) => {
    head = concat(head, chunk.subarray(0, NAMING_LENGTH - head.byteLength));
    if (head.byteLength < SNIFF_LENGTH && !isLast) return;
    mimetype = sniffFormat(head);
    if (!mimetype) {
      if (head.byteLength < NAMING_LENGTH && !isLast) return;
      throw refuse(`expected a JPEG, PNG, GIF or WebP image, got ${nameForeignFormat(head)}`);
    }
    reader = READERS[mimetype]();
    const seen = head.byteLength;
    readHeader(head);
    // The head ended inside this chunk: what follows it has not been read yet.
    if (!dimensions) readHeader(chunk.subarray(chunk.byteLength - (bytes - seen)));
    head = new Uint8Array(0);
  };

  return {
    push(chunk) {
      bytes += chunk.byteLength;
      if (bytes > IMAGE_LIMITS.maxBytes) {
        throw refuse(`larger than ${IMAGE_LIMITS.maxBytes} bytes (16 MiB), the most that is accepted`);
      }
      hash.update(chunk);
      if (!mimetype) recognise(chunk, false);
      else if (!dimensions) readHeader(chunk);
    },
    finish() {
      if (bytes === 0) throw refuse('expected an image, got an empty file (0 bytes)');
      if (!mimetype) recognise(new Uint8Array(0), true);
      if (!mimetype || !dimensions) {
        throw refuse(`expected a whole image, but it ends after ${bytes} bytes, within its header`);
      }
      return { mimetype, ...dimensions, bytes, sha256: hash.digest('hex') };
    },
  };
}

function checkDimensions({ width, height }: Dimensions, refuse: (message: string) => Failure): void {
  const { minPixelsPerEdge: min, maxPixelsPerEdge: max } = IMAGE_LIMITS;
  if (width >= min && height >= min && width <= max && height <= max) return;
  throw refuse(`is ${width}×${height} pixels; each edge must have ${min} to ${max}`);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.byteLength + second.byteLength);
  joined.set(first);
  joined.set(second, first.byteLength);
  return joined;
}
