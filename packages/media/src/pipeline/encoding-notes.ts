import type { MessageNote } from '@postern/contract';
import type { EncodedImage } from './image-library.ts';
import type { SourcePicture } from './source-picture.ts';

/** What was done to a picture that had to be encoded again, for who sent it. */
export function toEncodingNotes(
  source: SourcePicture,
  { width, height }: Pick<EncodedImage, 'width' | 'height'>,
  mimetype: 'image/jpeg' | 'image/png',
): MessageNote[] {
  const { frame, frames, metadata, profile, isEndAdded } = source;
  const isOtherSpace = profile === 'odd' || profile === 'Display P3' || profile === 'Adobe RGB';
  const notes: [MessageNote, boolean][] = [
    ['first frame only', frames > 1 && frame === 0],
    ['one frame only', frame > 0],
    ['turned', source.orientation > 1],
    ['reduced', width * height < source.width * source.height],
    ['re-encoded', true],
    // Animations have a transparent colour for what stays from frame to frame.
    ['flattened on white', metadata.hasAlpha && frames === 1 && mimetype === 'image/jpeg'],
    ['converted to sRGB', metadata.space === 'cmyk' || isOtherSpace],
    ['end of file added', isEndAdded],
  ];
  return notes.filter(([, isTrue]) => isTrue).map(([note]) => note);
}
