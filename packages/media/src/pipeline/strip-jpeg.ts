import { isStandalone, isStartOfFrame } from '../inspect/jpeg-header.ts';
import { isIccPart, rebuildIccSegments } from './icc-profile.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
/** Tables that decoding needs: DHT, DQT, DNL, DRI. */
const TABLES = new Set([0xc4, 0xdb, 0xdc, 0xdd]);
/** Frames that every decoder knows: baseline, extended sequential and progressive Huffman. */
const COMMON_FRAMES = new Set([0xc0, 0xc1, 0xc2]);

/**
 * The same JPEG without metadata, its coded pixels untouched: kept are tables, the frame, the scans, the colour profile
 * and what says how to read the colours (JFIF without its preview, Adobe's APP14). Gone are EXIF, GPS, XMP, IPTC,
 * comments, stray bytes, further images and anything else behind the end of the image.
 *
 * Undefined when the bytes must not be sent as they are: not 8-bit grey or three-colour Huffman coding, or no whole JPEG.
 */
export function stripJpeg(bytes: Buffer): Buffer | undefined {
  const colour: Buffer[] = [];
  const profile: Buffer[] = [];
  const image: Buffer[] = [];
  let frames = 0;

  for (let offset = 2; ; ) {
    const start = findMarker(bytes, offset);
    if (start === undefined) return undefined;
    const marker = bytes[start + 1] ?? 0;
    if (marker === EOI) break;
    if (marker === SOI) return undefined;
    if (isStandalone(marker)) {
      offset = start + 2;
      continue;
    }
    if (start + 4 > bytes.byteLength) return undefined;
    const end = start + 2 + bytes.readUInt16BE(start + 2);
    if (end < start + 4 || end > bytes.byteLength) return undefined;
    offset = end;
    const payload = bytes.subarray(start + 4, end);

    if (TABLES.has(marker)) image.push(bytes.subarray(start, end));
    else if (isStartOfFrame(marker)) {
      frames += 1;
      if (frames > 1 || !COMMON_FRAMES.has(marker) || !isCommonFrame(payload)) return undefined;
      image.push(bytes.subarray(start, end));
    } else if (marker === SOS) {
      const scanEnd = findScanEnd(bytes, end);
      if (scanEnd === undefined) return undefined;
      image.push(bytes.subarray(start, scanEnd));
      offset = scanEnd;
    } else if (marker === 0xe2 && isIccPart(payload)) profile.push(payload);
    else colour.push(...colourSegment(marker, payload));
  }
  const [soi, eoi] = [Buffer.from([0xff, SOI]), Buffer.from([0xff, EOI])];
  return Buffer.concat([soi, ...colour, ...rebuildIccSegments(profile), ...image, eoi]);
}

/** The next FF that is followed by a marker's code; decoders pass over what lies before it. */
function findMarker(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === undefined) return undefined;
    if (code !== 0x00 && code !== 0xff) return at;
  }
  return undefined;
}

/** Coded data ends at the first marker that is no restart marker (ITU-T T.81, B.1.1.5). */
function findScanEnd(bytes: Buffer, from: number): number | undefined {
  let at = findMarker(bytes, from);
  while (at !== undefined && isRestart(bytes[at + 1] ?? 0)) at = findMarker(bytes, at + 2);
  return at;
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

/** Eight bits a sample, and grey or three colours. */
function isCommonFrame(frame: Buffer): boolean {
  return frame[0] === 8 && (frame[5] === 1 || frame[5] === 3);
}

/** JFIF's density with its preview cut away, or Adobe's colour transform; nothing for any other segment. */
function colourSegment(marker: number, payload: Buffer): Buffer[] {
  if (marker === 0xe0 && payload.byteLength >= 14 && payload.toString('latin1', 0, 5) === 'JFIF\0') {
    return [Buffer.from([0xff, 0xe0, 0, 16]), payload.subarray(0, 12), Buffer.from([0, 0])];
  }
  if (marker === 0xee && payload.byteLength >= 12 && payload.toString('latin1', 0, 5) === 'Adobe') {
    return [Buffer.from([0xff, 0xee, 0, 14]), payload.subarray(0, 12)];
  }
  return [];
}
