import { createHeaderInspector, type ImageHeader } from './header-inspector.ts';

/** Format and dimensions of whole bytes; throws a VALIDATION_ERROR. */
export function readHeader(bytes: Buffer): ImageHeader {
  const inspector = createHeaderInspector('image');
  inspector.push(bytes);
  return inspector.finish();
}
