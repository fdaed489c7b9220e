import { Failure, type ImageMimeType } from '@postern/contract';
import type { Metadata } from 'sharp';
import type { ImageHeader } from '../inspect/header-inspector.ts';
import { type ColourProfile, readColourProfile } from './colour-profile.ts';
import { readOrientation } from './exif-orientation.ts';
import { readMetadata } from './image-library.ts';
import { surveyJpeg } from './jpeg-segments.ts';
import { moveExifForward } from './png-chunks.ts';
import { chooseFrame } from './shown-frame.ts';

/** A picture as it is decoded. */
export interface SourcePicture {
  /** As they were given, with what decoders would otherwise miss in its place. */
  bytes: Buffer;
  mimetype: ImageMimeType;
  /** Before it is turned. */
  width: number;
  height: number;
  /** EXIF's, 1 to 8. */
  orientation: number;
  /** Which frame stands for the picture, from 0, and of how many. */
  frame: number;
  frames: number;
  profile: ColourProfile;
  /** A JPEG that had no end marker has one now. */
  isEndAdded: boolean;
  metadata: Metadata;
}

/** Many times what any encoder writes (about ten); legal bytes may hold thousands, each a pass over the whole picture. */
const MAX_JPEG_SCANS = 100;
const JPEG_END = Buffer.from([0xff, 0xd9]);

/**
 * Reads what there is to know of a picture before its pixels. Throws IMAGE_PROCESSING_FAILED when its headers are damaged,
 * or when a JPEG of few bytes would keep a core busy for a minute with its scans.
 */
export async function readSource(given: Buffer, header: ImageHeader): Promise<SourcePicture> {
  const { mimetype, width, height } = header;
  const isEndAdded = mimetype === 'image/jpeg' && !hasEnd(given);
  const repaired = isEndAdded ? Buffer.concat([given, JPEG_END]) : given;
  const bytes = mimetype === 'image/png' ? moveExifForward(repaired) : repaired;
  const metadata = await readMetadata(bytes);
  const frames = metadata.pages ?? 1;
  return {
    bytes,
    mimetype,
    width,
    height,
    orientation: readOrientation(bytes, mimetype),
    frame: frames > 1 ? await chooseFrame(bytes, mimetype, frames) : 0,
    frames,
    profile: readColourProfile(bytes, mimetype),
    isEndAdded,
    metadata,
  };
}

function hasEnd(bytes: Buffer): boolean {
  const { scans, isWhole } = surveyJpeg(bytes);
  if (scans <= MAX_JPEG_SCANS) return isWhole;
  const claim = `it claims ${scans} scans; at most ${MAX_JPEG_SCANS} are decoded`;
  throw new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: ${claim}`, {
    details: { reason: 'too_slow' },
  });
}
