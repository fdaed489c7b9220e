import type { MessageNote } from '@postern/contract';
import type { Metadata } from 'sharp';
import type { EncodedImage } from './image-library.ts';

/** What was done to a picture that had to be encoded again, for who sent it. */
export function toEncodingNotes(
  metadata: Metadata,
  { width, height }: Pick<EncodedImage, 'width' | 'height'>,
  mimetype: 'image/jpeg' | 'image/png',
): MessageNote[] {
  const { orientation = 1, pages = 1, hasAlpha, space } = metadata;
  const notes: [MessageNote, boolean][] = [
    ['first frame only', pages > 1],
    ['turned', orientation > 1],
    ['reduced', width * height < metadata.width * (metadata.pageHeight ?? metadata.height)],
    ['re-encoded', true],
    ['flattened on white', hasAlpha && mimetype === 'image/jpeg'],
    ['converted to sRGB', space === 'cmyk'],
  ];
  return notes.filter(([, isTrue]) => isTrue).map(([note]) => note);
}
