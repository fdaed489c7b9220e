import { isStandalone } from '../inspect/jpeg-header.ts';

const EOI = 0xd9;
const SOS = 0xda;

/** A marker segment of a JPEG; a scan comes with the coded data that follows its header. */
export interface JpegSegment {
  /** The second byte of the marker, e.g. 0xe1 for APP1. */
  marker: number;
  /** What stands behind the length field; without the coded data of a scan. */
  payload: Buffer;
  /** Everything from the marker to the next one. */
  readonly bytes: Buffer;
}

/**
 * The segments of a JPEG as a decoder walks them: stray bytes between segments, fill bytes and markers without a content
 * are passed over, and the walk ends with the EOI segment; it ends without one where the bytes are cut off.
 */
export function* walkJpeg(bytes: Buffer): Generator<JpegSegment, void, undefined> {
  for (let offset = 2; ; ) {
    const start = findMarker(bytes, offset);
    if (start === undefined) return;
    const marker = bytes[start + 1] ?? 0;
    if (marker === EOI) {
      yield { marker, payload: bytes.subarray(0, 0), bytes: bytes.subarray(start, start + 2) };
      return;
    }
    if (isStandalone(marker)) {
      offset = start + 2;
      continue;
    }
    if (start + 4 > bytes.byteLength) return;
    const contentEnd = start + 2 + bytes.readUInt16BE(start + 2);
    if (contentEnd < start + 4 || contentEnd > bytes.byteLength) return;
    // Who stops at a scan does not pass over its data.
    let scanEnd: number | undefined;
    const end = () => (marker === SOS ? (scanEnd ??= findScanEnd(bytes, contentEnd)) : contentEnd);
    yield {
      marker,
      payload: bytes.subarray(start + 4, contentEnd),
      get bytes() {
        return bytes.subarray(start, end());
      },
    };
    offset = end();
  }
}

/** How often the whole picture is passed over to decode it, and whether the bytes reach to the end of the image. */
export function surveyJpeg(bytes: Buffer): { scans: number; isWhole: boolean } {
  const survey = { scans: 0, isWhole: false };
  for (const { marker } of walkJpeg(bytes)) {
    if (marker === SOS) survey.scans += 1;
    if (marker === EOI) survey.isWhole = true;
  }
  return survey;
}

/** The next FF that is followed by a marker's code. */
function findMarker(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code === undefined) return undefined;
    if (code !== 0x00 && code !== 0xff) return at;
  }
  return undefined;
}

/** Coded data ends at the first marker that is no restart marker (ITU-T T.81, B.1.1.5), or where the bytes do. */
function findScanEnd(bytes: Buffer, from: number): number {
  let at = findMarker(bytes, from);
  while (at !== undefined && isRestart(bytes[at + 1] ?? 0)) at = findMarker(bytes, at + 2);
  return at ?? bytes.byteLength;
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}
