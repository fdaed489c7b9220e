import type { ImageMimeType } from '@postern/contract';
import { isStartOfFrame } from '../inspect/jpeg-header.ts';
import { walkJpeg } from './jpeg-segments.ts';
import { walkPng } from './png-chunks.ts';
import { walkWebp } from './webp-chunks.ts';

const SOS = 0xda;
const APP1 = 0xe1;
const EXIF_LABEL = Buffer.from('Exif\0\0', 'latin1');
const ORIENTATION_TAG = 0x0112;

/** How EXIF says that the picture is to be turned, 1 (upright) to 8, wherever in the file it stands; 1 when it says nothing. */
export function readOrientation(bytes: Buffer, mimetype: ImageMimeType): number {
  const exif = findExif(bytes, mimetype);
  return exif === undefined ? 1 : parseOrientation(exif);
}

function findExif(bytes: Buffer, mimetype: ImageMimeType): Buffer | undefined {
  if (mimetype === 'image/jpeg') return findInJpeg(bytes);
  if (mimetype === 'image/png') return [...walkPng(bytes)].find(({ type }) => type === 'eXIf')?.data;
  if (mimetype === 'image/webp') return [...walkWebp(bytes)].find(({ type }) => type === 'EXIF')?.data;
  return undefined;
}

function findInJpeg(bytes: Buffer): Buffer | undefined {
  for (const { marker, payload } of walkJpeg(bytes)) {
    if (marker === SOS || isStartOfFrame(marker)) return undefined;
    if (marker === APP1 && payload.subarray(0, EXIF_LABEL.byteLength).equals(EXIF_LABEL)) return payload;
  }
  return undefined;
}

/** Reads the orientation of the first directory of a TIFF structure (EXIF 2.32, 4.5 and 4.6.4). */
function parseOrientation(labelled: Buffer): number {
  const isLabelled = labelled.subarray(0, EXIF_LABEL.byteLength).equals(EXIF_LABEL);
  const tiff = isLabelled ? labelled.subarray(EXIF_LABEL.byteLength) : labelled;
  if (tiff.byteLength < 8) return 1;
  const isLittle = tiff.toString('latin1', 0, 2) === 'II';
  const uint16 = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const uint32 = (at: number) => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directory = uint32(4);
  if (directory + 2 > tiff.byteLength) return 1;
  const count = uint16(directory);
  for (let at = directory + 2; at < directory + 2 + count * 12 && at + 12 <= tiff.byteLength; at += 12) {
    if (uint16(at) !== ORIENTATION_TAG) continue;
    const orientation = uint16(at + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}
