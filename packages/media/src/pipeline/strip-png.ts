import { joinUnlessSame } from './join-unless-same.ts';
import { walkPng } from './png-chunks.ts';

const SIGNATURE_LENGTH = 8;
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
  for (const chunk of walkPng(bytes)) {
    if (chunk.type === 'IEND') return joinUnlessSame(bytes, [...parts, END]);
    if (chunk.type === 'IHDR' && chunk.data[8] === 16) return undefined;
    if (KEPT.has(chunk.type)) parts.push(chunk.bytes);
    else if (isCritical(chunk.type)) return undefined;
  }
  return undefined;
}

/** The case of a type's first letter says whether the image can be shown without the chunk. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
