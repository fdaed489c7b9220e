import { createHash } from 'node:crypto';
import { Failure, IMAGE_LIMITS } from '@postern/contract';
import { createHeaderInspector, type ImageField, type ImageHeader } from './header-inspector.ts';

/** What the bytes say about themselves; width and height are the header's, before any EXIF orientation. */
export interface InspectedImage extends ImageHeader {
  bytes: number;
  /** Lower-case hex of all bytes. */
  sha256: string;
}

export interface ImageInspector {
  /** Takes the next bytes; throws a VALIDATION_ERROR as soon as it is certain that a rule is broken. */
  push(chunk: Uint8Array): void;
  /** Call once, after the last byte; throws a VALIDATION_ERROR when the bytes ended too early. */
  finish(): InspectedImage;
}

/**
 * Checks the image rules of the contract on a passing stream, in constant memory: format by its bytes, size, dimensions
 * by the header; hashes and counts on the way. The pixels are not decoded: a damaged body passes here.
 */
export function createImageInspector(field: ImageField = 'image'): ImageInspector {
  const header = createHeaderInspector(field);
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.byteLength;
      if (bytes > IMAGE_LIMITS.maxBytes) {
        const limit = `${IMAGE_LIMITS.maxBytes} bytes (16 MiB)`;
        throw Failure.field(field, `is larger than ${limit}, the most that is accepted`);
      }
      header.push(chunk);
      hash.update(chunk);
    },
    finish: () => ({ ...header.finish(), bytes, sha256: hash.digest('hex') }),
  };
}
