import { BrokenHeaderError, createFixedHeaderReader, type Dimensions, type HeaderReader } from './header-reader.ts';

/** PNG: the IHDR chunk must come first (PNG 3rd edition, 5.6 and 11.2.1). */
export function createPngHeaderReader(): HeaderReader {
  return createFixedHeaderReader(24, (header) => {
    if (header.getUint32(12) !== 0x49_48_44_52) throw new BrokenHeaderError('is a PNG without its header chunk');
    return { width: header.getUint32(16), height: header.getUint32(20) };
  });
}

/** GIF: the logical screen, which every frame is drawn on (GIF89a, 18). */
export function createGifHeaderReader(): HeaderReader {
  return createFixedHeaderReader(10, (header) => ({
    width: header.getUint16(6, true),
    height: header.getUint16(8, true),
  }));
}

/** WebP: the canvas of the extended form, else the frame header of the only image (RFC 9649, 2; RFC 6386, 9.1). */
export function createWebpHeaderReader(): HeaderReader {
  return createFixedHeaderReader(30, (header) => {
    switch (header.getUint32(12)) {
      case 0x56_50_38_58: // "VP8X"
        return { width: 1 + readUint24(header, 24), height: 1 + readUint24(header, 27) };
      case 0x56_50_38_4c: // "VP8L"
        return readLosslessFrame(header);
      case 0x56_50_38_20: // "VP8 "
        return readLossyFrame(header);
      default:
        throw new BrokenHeaderError('is a WebP without an image');
    }
  });
}

function readUint24(view: DataView, offset: number): number {
  return view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
}

function readLosslessFrame(header: DataView): Dimensions {
  if (header.getUint8(20) !== 0x2f) throw new BrokenHeaderError('is a WebP with a damaged frame header');
  const bits = header.getUint32(21, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

function readLossyFrame(header: DataView): Dimensions {
  const isKeyFrame = (header.getUint8(20) & 1) === 0;
  if (!isKeyFrame || readUint24(header, 23) !== 0x2a_01_9d) {
    throw new BrokenHeaderError('is a WebP with a damaged frame header');
  }
  return { width: header.getUint16(26, true) & 0x3fff, height: header.getUint16(28, true) & 0x3fff };
}
