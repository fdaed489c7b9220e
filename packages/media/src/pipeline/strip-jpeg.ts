import { isStartOfFrame } from '../inspect/jpeg-header.ts';
import type { ColourProfile } from './colour-profile.ts';
import { toIccSegment } from './icc-segments.ts';
import { joinUnlessSame } from './join-unless-same.ts';
import { walkJpeg } from './jpeg-segments.ts';
import { createSmallProfile } from './small-profile.ts';

const EOI = 0xd9;
/** What is copied as it is: scans, and the tables that decoding needs (DHT, DQT, DNL, DRI). */
const COPIED = new Set([0xda, 0xc4, 0xdb, 0xdc, 0xdd]);
/** Frames that every decoder knows: baseline, extended sequential and progressive Huffman. */
const COMMON_FRAMES = new Set([0xc0, 0xc1, 0xc2]);
const START = Buffer.from([0xff, 0xd8]);

/**
 * The same JPEG without metadata, its coded pixels untouched: kept are tables, the frame, the scans, and what says how to
 * read the colours (JFIF without its preview, Adobe's APP14). A profile is replaced by a small one of the same colours. Gone are EXIF, GPS, XMP, IPTC,
 * comments, stray bytes, further images and anything else behind the end of the image.
 *
 * Undefined when the bytes must not be sent as they are: not 8-bit grey or three-colour Huffman coding, or no whole JPEG.
 */
export function stripJpeg(bytes: Buffer, profile: ColourProfile = 'none'): Buffer | undefined {
  const colour: Buffer[] = [];
  const image: Buffer[] = [];
  let frames = 0;
  for (const segment of walkJpeg(bytes)) {
    const { marker, payload } = segment;
    if (COPIED.has(marker)) image.push(segment.bytes);
    else if (isStartOfFrame(marker)) {
      frames += 1;
      if (frames > 1 || !COMMON_FRAMES.has(marker) || !isCommonFrame(payload)) return undefined;
      image.push(segment.bytes);
    } else if (marker === EOI) {
      return joinUnlessSame(bytes, [START, ...colour, ...profileSegments(profile), ...image, segment.bytes]);
    } else colour.push(...colourSegment(marker, payload));
  }
  return undefined;
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

/** Without a profile the colours are those of sRGB, and grey has its curve. */
function profileSegments(profile: ColourProfile): Buffer[] {
  const isOther = profile === 'Display P3' || profile === 'Adobe RGB';
  return isOther ? [toIccSegment(createSmallProfile(profile))] : [];
}
