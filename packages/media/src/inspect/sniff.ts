import type { ImageMimeType } from '@postern/contract';

/** How many bytes {@link sniffFormat} needs to be certain. */
export const SNIFF_LENGTH = 12;
/** How many bytes {@link nameForeignFormat} looks at. */
export const NAMING_LENGTH = 512;

/** Tells an accepted format by its first bytes; undefined when it is none of them. */
export function sniffFormat(head: Uint8Array): ImageMimeType | undefined {
  const text = latin1(head.subarray(0, SNIFF_LENGTH));
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'image/gif';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'image/webp';
  return undefined;
}

const SIGNATURES: readonly (readonly [signature: string, name: string])[] = [
  ['%PDF', 'a PDF document'],
  ['BM', 'a BMP image'],
  ['II*\0', 'a TIFF image'],
  ['MM\0*', 'a TIFF image'],
  ['II+\0', 'a TIFF image'],
  ['MM\0+', 'a TIFF image'],
  ['8BPS', 'a Photoshop document'],
  ['\0\0\x01\0', 'an icon (ICO)'],
  ['\xff\x0a', 'a JPEG XL image'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL image'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 image'],
  ['\xff\x4f\xff\x51', 'a JPEG 2000 image'],
  ['PK\x03\x04', 'a ZIP archive'],
  ['\x1f\x8b', 'gzip-compressed data'],
  ['Rar!', 'a RAR archive'],
  ['\x1aE\xdf\xa3', 'a Matroska or WebM video'],
  ['RIFF', 'a RIFF file that is not WebP'],
  ['OggS', 'an Ogg file'],
  ['ID3', 'an MP3 file'],
  ['\x89PNG', 'a PNG damaged in transfer'],
];

/** Names what was got instead of an accepted image, with its article, e.g. "an HEIC image"; works on up to the first 512 bytes. */
export function nameForeignFormat(head: Uint8Array): string {
  const text = latin1(head);
  const known = SIGNATURES.find(([signature]) => text.startsWith(signature));
  if (known) return known[1];
  if (text.slice(4, 8) === 'ftyp') return nameIsoMedia(text.slice(8, 32));
  return isText(head) ? nameText(text.toLowerCase()) : 'unknown bytes';
}

/** Brands of ISO base media files; a generic brand (`mif1`) comes with the specific one among the compatible brands. */
function nameIsoMedia(brands: string): string {
  if (/avi[fs]/.test(brands)) return 'an AVIF image';
  if (/hei[cxms]|hev[cxms]|mif1|msf1/.test(brands)) return 'an HEIC image';
  return 'an MP4 or QuickTime video';
}

function nameText(text: string): string {
  if (text.includes('<svg')) return 'an SVG drawing';
  if (/<!doctype html|<html|<head|<body|<script/.test(text)) return 'an HTML page';
  if (text.trimStart().startsWith('<?xml')) return 'an XML document';
  if (/^\s*[[{]/.test(text)) return 'JSON text';
  if (text.startsWith('data:')) return 'a data: URL';
  return 'text';
}

/** No control characters but white space; a byte-order mark and any UTF-8 pass. */
function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0c || byte === 0x0d);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
