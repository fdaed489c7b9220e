/** An APP2 segment of this label holds a part of the profile: label, number from 1, count, bytes (ICC.1, annex B.4). */
const LABEL = Buffer.from('ICC_PROFILE\0', 'latin1');
const PREFIX_LENGTH = LABEL.byteLength + 2;
const MAX_PART_LENGTH = 65_533 - PREFIX_LENGTH;

export function isIccPart(payload: Buffer): boolean {
  return payload.byteLength > PREFIX_LENGTH && payload.subarray(0, LABEL.byteLength).equals(LABEL);
}

/**
 * Joins the payloads of the APP2 segments of one JPEG and returns them as whole segments again, without whatever
 * follows the profile's own end. Returns nothing when they do not form a profile: decoders ignore it then.
 */
export function rebuildIccSegments(payloads: readonly Buffer[]): Buffer[] {
  const profile = joinProfile(payloads);
  if (!profile) return [];
  const count = Math.ceil(profile.byteLength / MAX_PART_LENGTH);
  return Array.from({ length: count }, (_, index) => {
    const part = profile.subarray(index * MAX_PART_LENGTH, (index + 1) * MAX_PART_LENGTH);
    const marker = Buffer.from([0xff, 0xe2, 0, 0]);
    marker.writeUInt16BE(2 + PREFIX_LENGTH + part.byteLength, 2);
    return Buffer.concat([marker, LABEL, Buffer.from([index + 1, count]), part]);
  });
}

function joinProfile(payloads: readonly Buffer[]): Buffer | undefined {
  const ordered = payloads.toSorted((a, b) => numberOf(a) - numberOf(b));
  const isComplete = ordered.every((part, index) => numberOf(part) === index + 1 && countOf(part) === ordered.length);
  const profile = Buffer.concat(ordered.map((part) => part.subarray(PREFIX_LENGTH)));
  if (!isComplete || profile.byteLength < 128 || profile.toString('latin1', 36, 40) !== 'acsp') return undefined;
  const length = profile.readUInt32BE(0);
  return length < 128 || length > profile.byteLength ? undefined : profile.subarray(0, length);
}

const numberOf = (part: Buffer) => part[LABEL.byteLength] ?? 0;
const countOf = (part: Buffer) => part[LABEL.byteLength + 1] ?? 0;
