/** An APP2 segment of this label holds a part of the profile: label, number from 1, count, bytes (ICC.1, annex B.4). */
const LABEL = Buffer.from('ICC_PROFILE\0', 'latin1');
const PREFIX_LENGTH = LABEL.byteLength + 2;

/** The profile that the payloads of a JPEG's APP2 segments form; undefined when they form none: decoders ignore it then. */
export function joinIccParts(payloads: readonly Buffer[]): Buffer | undefined {
  const ordered = payloads.filter(isIccPart).toSorted((a, b) => numberOf(a) - numberOf(b));
  const isComplete = ordered.every((part, index) => numberOf(part) === index + 1 && countOf(part) === ordered.length);
  return isComplete && ordered.length > 0
    ? Buffer.concat(ordered.map((part) => part.subarray(PREFIX_LENGTH)))
    : undefined;
}

/** A whole APP2 segment with a profile that fits into one. */
export function toIccSegment(profile: Buffer): Buffer {
  const marker = Buffer.from([0xff, 0xe2, 0, 0]);
  marker.writeUInt16BE(2 + PREFIX_LENGTH + profile.byteLength, 2);
  return Buffer.concat([marker, LABEL, Buffer.from([1, 1]), profile]);
}

function isIccPart(payload: Buffer): boolean {
  return payload.byteLength > PREFIX_LENGTH && payload.subarray(0, LABEL.byteLength).equals(LABEL);
}

const numberOf = (part: Buffer) => part[LABEL.byteLength] ?? 0;
const countOf = (part: Buffer) => part[LABEL.byteLength + 1] ?? 0;
