import { inflateSync } from 'node:zlib';
import type { ImageMimeType } from '@postern/contract';
import { joinIccParts } from './icc-segments.ts';
import { walkJpeg } from './jpeg-segments.ts';
import { type KnownColours, recogniseColours } from './known-colours.ts';
import { walkPng } from './png-chunks.ts';
import { walkWebp } from './webp-chunks.ts';

/**
 * What an ICC profile in the file says of the colours. `none`: there is none that anybody honours. `odd`: only a program
 * that reads this very profile can show them.
 */
export type ColourProfile = 'none' | KnownColours | 'odd';

/** Larger ones are no profiles; compressed, they may be of any size. */
const MAX_PROFILE_BYTES = 4 * 1024 * 1024;
const SOS = 0xda;

export function readColourProfile(bytes: Buffer, mimetype: ImageMimeType): ColourProfile {
  const profile = findProfile(bytes, mimetype);
  return profile === undefined || profile.byteLength > MAX_PROFILE_BYTES ? 'none' : recogniseColours(profile);
}

function findProfile(bytes: Buffer, mimetype: ImageMimeType): Buffer | undefined {
  if (mimetype === 'image/webp') return [...walkWebp(bytes)].find(({ type }) => type === 'ICCP')?.data;
  if (mimetype === 'image/png') {
    const chunk = [...walkPng(bytes)].find(({ type }) => type === 'iCCP');
    return chunk && inflateProfile(chunk.data);
  }
  return mimetype === 'image/jpeg' ? findInJpeg(bytes) : undefined;
}

function findInJpeg(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const { marker, payload } of walkJpeg(bytes)) {
    if (marker === SOS) break;
    if (marker === 0xe2) parts.push(payload);
  }
  return joinIccParts(parts);
}

/** An iCCP chunk: a name, a zero, the method, and the profile as a zlib stream (PNG 3rd edition, 11.3.2.3). */
function inflateProfile(data: Buffer): Buffer | undefined {
  try {
    return inflateSync(data.subarray(data.indexOf(0) + 2), { maxOutputLength: MAX_PROFILE_BYTES });
  } catch {
    return undefined;
  }
}
