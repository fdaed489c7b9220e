import type { ColourProfile } from './colour-profile.ts';
import { joinUnlessSame } from './join-unless-same.ts';
import { toPngChunk, walkPng } from './png-chunks.ts';
import { createSmallProfile, toIccpData } from './small-profile.ts';

const SIGNATURE_LENGTH = 8;
const END = Buffer.from('0000000049454e44ae426082', 'hex');

/** What decoding needs (PNG 3rd edition, 11.2 and 11.3.1). */
const PIXELS = new Set(['IHDR', 'PLTE', 'IDAT', 'tRNS']);
/** What says how to show the colours, with how many bytes it may have (11.3.2). */
const COLOURS: Record<string, number> = { cHRM: 32, gAMA: 4, sBIT: 4, sRGB: 1, cICP: 4, mDCV: 24, cLLI: 8 };

/**
 * The same PNG without metadata, its compressed pixels untouched: gone are text, EXIF, times, private chunks, the frames
 * of an animation, and whatever follows the end of the image. A profile is replaced by a small one of the same colours.
 *
 * Undefined when the bytes must not be sent as they are: 16 bits a sample, an unknown critical chunk, or no whole PNG.
 */
export function stripPng(bytes: Buffer, profile: ColourProfile = 'none'): Buffer | undefined {
  const parts: Buffer[] = [bytes.subarray(0, SIGNATURE_LENGTH)];
  for (const chunk of walkPng(bytes)) {
    const { type, data } = chunk;
    if (type === 'IEND') return joinUnlessSame(bytes, [...parts, END]);
    if (type === 'IHDR' && data[8] === 16) return undefined;
    if (PIXELS.has(type) || data.byteLength <= (COLOURS[type] ?? -1)) parts.push(chunk.bytes);
    else if (type === 'iCCP') parts.push(...profileChunk(profile));
    else if (isCritical(type)) return undefined;
  }
  return undefined;
}

/** In the profile's place, since a gamma may stand beside it that does not hold when there is one. */
function profileChunk(profile: ColourProfile): Buffer[] {
  if (profile === 'none') return [];
  const isOther = profile === 'Display P3' || profile === 'Adobe RGB';
  return [isOther ? toPngChunk('iCCP', toIccpData(createSmallProfile(profile))) : toPngChunk('sRGB', Buffer.of(0))];
}

/** The case of a type's first letter says whether the image can be shown without the chunk. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
