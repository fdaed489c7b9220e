import { isStartOfFrame } from '../inspect/jpeg-header.ts';
import { walkJpeg } from './jpeg-segments.ts';
import type { SourcePicture } from './source-picture.ts';
import { walkWebp } from './webp-chunks.ts';

/** How a picture is coded, in the terms of a JPEG encoder. */
export interface CodingQuality {
  /** 1 to 100. */
  quality: number;
  chromaSubsampling: '4:4:4' | '4:2:0';
}

/**
 * Of what must be encoded again nothing visible may be lost: no colour subsampling, and a quality above most cameras'. What
 * was coded with losses before gains nothing by more than the quality that it has.
 */
const BEST: CodingQuality = { quality: 94, chromaSubsampling: '4:4:4' };
/** So that a picture of low quality does not lose as much once more. */
const LEAST_QUALITY = 75;

/** With which quality a picture is encoded again as a JPEG. */
export function chooseQuality({ bytes, mimetype }: Pick<SourcePicture, 'bytes' | 'mimetype'>): CodingQuality {
  const found = mimetype === 'image/jpeg' ? jpegQuality(bytes) : mimetype === 'image/webp' ? webpQuality(bytes) : BEST;
  return { ...found, quality: Math.min(BEST.quality, Math.max(LEAST_QUALITY, found.quality)) };
}

/** The sum of the luminance table that quality 50 means (ITU-T T.81, table K.1). */
const SUM_AT_50 = 3_688;

/** By the quantization table of luminance, scaled as libjpeg scales it, and the sampling factors of its frame. */
function jpegQuality(bytes: Buffer): CodingQuality {
  let quality = BEST.quality;
  for (const { marker, payload } of walkJpeg(bytes)) {
    if (marker === 0xdb) quality = readTableQuality(payload) ?? quality;
    if (!isStartOfFrame(marker)) continue;
    return { quality, chromaSubsampling: payload[5] === 3 && payload[7] !== 0x11 ? '4:2:0' : '4:4:4' };
  }
  return BEST;
}

/** Undefined when the segment does not begin with table 0. */
function readTableQuality(tables: Buffer): number | undefined {
  const [first = 1] = tables;
  const bytesEach = first >> 4 === 0 ? 1 : 2;
  if ((first & 15) !== 0 || tables.byteLength < 1 + 64 * bytesEach) return undefined;
  let sum = 0;
  for (let n = 0; n < 64; n += 1) sum += tables.readUIntBE(1 + n * bytesEach, bytesEach);
  const percent = (sum / SUM_AT_50) * 100;
  return Math.round(percent <= 100 ? 100 - percent / 2 : 5000 / percent);
}

/** Of a lossy WebP, whose colours are always subsampled; a lossless one has the best. */
function webpQuality(bytes: Buffer): CodingQuality {
  for (const { type, data } of walkWebp(bytes)) {
    if (type === 'VP8 ' && data.byteLength > 24) return { quality: readVp8Quality(data), chromaSubsampling: '4:2:0' };
    if (type === 'VP8L' || type === 'ANMF') return BEST;
  }
  return BEST;
}

/** From the quantizer index of the frame header (RFC 6386, 9.6), by the inverse of how libwebp comes to it. */
function readVp8Quality(frame: Buffer): number {
  const index = readQuantizerIndex(frame);
  const compression = (1 - index / 127) ** 3;
  return Math.round(100 * (compression < 0.5 ? compression * 1.5 : (compression + 1) / 2));
}

function readQuantizerIndex(frame: Buffer): number {
  const read = createBoolReader(frame.subarray(10));
  const skip = (bits: number) => read(bits);
  const skipIfSet = (bits: number) => (read(1) === 1 ? skip(bits) : 0);
  skip(2); // colour space, clamping
  if (read(1) === 1) {
    const [updatesMap, updatesValues] = [read(1), read(1)];
    if (updatesValues === 1) {
      skip(1);
      for (let n = 0; n < 4; n += 1) skipIfSet(8); // a quantizer: 7 bits and a sign
      for (let n = 0; n < 4; n += 1) skipIfSet(7);
    }
    if (updatesMap === 1) for (let n = 0; n < 3; n += 1) skipIfSet(8);
  }
  skip(10); // the filter: type, level, sharpness
  if (read(1) === 1 && read(1) === 1) for (let n = 0; n < 8; n += 1) skipIfSet(7);
  skip(2); // partitions
  return read(7);
}

/** VP8's arithmetic decoder with even odds, which is how headers are coded (RFC 6386, 7.3); reads a number of so many bits. */
function createBoolReader(bytes: Buffer): (bits: number) => number {
  let at = 2;
  let value = bytes.readUInt16BE(0);
  let range = 255;
  let shifted = 0;
  const readBit = () => {
    const split = 1 + (((range - 1) * 128) >> 8);
    const isSet = value >= split << 8;
    range = isSet ? range - split : split;
    if (isSet) value -= split << 8;
    while (range < 128) {
      value <<= 1;
      range <<= 1;
      shifted += 1;
      if (shifted === 8) {
        shifted = 0;
        value |= bytes[at] ?? 0;
        at += 1;
      }
    }
    return isSet ? 1 : 0;
  };
  return (bits) => {
    let number = 0;
    for (let n = 0; n < bits; n += 1) number = number * 2 + readBit();
    return number;
  };
}
