import { joinUnlessSame } from './join-unless-same.ts';

const SIGNATURE_LENGTH = 8;
/** Length and type before a chunk's content, checksum after it. */
const CHUNK_OVERHEAD = 12;
const END = Buffer.from('0000000049454e44ae426082', 'hex');

/** What decoding needs, and what says how to show the colours (PNG 3rd edition, 11.2, 11.3.1 and 11.3.2). */
const KEPT = new Set(['IHDR', 'PLTE', 'IDAT', 'tRNS', 'cHRM', 'gAMA', 'iCCP', 'sBIT', 'sRGB', 'cICP', 'mDCV', 'cLLI']);

/**
 * The same PNG without metadata, its compressed pixels untouched: gone are text, EXIF, times, private chunks, the frames
 * of an animation, and whatever follows the end of the image.
 *
 * Undefined when the bytes must not be sent as they are: 16 bits a sample, an unknown critical chunk, or no whole PNG.
 */
export function stripPng(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [bytes.subarray(0, SIGNATURE_LENGTH)];
  for (let offset = SIGNATURE_LENGTH; offset + 8 <= bytes.byteLength; ) {
    const end = offset + CHUNK_OVERHEAD + bytes.readUInt32BE(offset);
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    if (type === 'IEND') return joinUnlessSame(bytes, [...parts, END]);
    if (end > bytes.byteLength) return undefined;
    if (type === 'IHDR' && bytes[offset + 16] === 16) return undefined;
    if (KEPT.has(type)) parts.push(bytes.subarray(offset, end));
    else if (isCritical(type)) return undefined;
    offset = end;
  }
  return undefined;
}

/** The case of a type's first letter says whether the image can be shown without the chunk. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
