import { BrokenHeaderError, type Dimensions, type HeaderReader } from './header-reader.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** Start-of-frame markers: C0 to CF without DHT (C4), JPG (C8) and DAC (CC) (ITU-T T.81, table B.1). */
export function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers without a length: TEM, RST0 to RST7 and SOI. */
export function isStandalone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= SOI);
}

type State = 'marker-prefix' | 'marker' | 'length-high' | 'length-low' | 'skip' | 'frame';

/**
 * Walks JPEG segments byte by byte up to the frame header, skipping whatever precedes it (EXIF with its preview, colour
 * profiles, comments of any length) without keeping it.
 */
export function createJpegHeaderReader(): HeaderReader {
  const frame = new Uint8Array(5); // precision, height, width
  let state: State = 'marker-prefix';
  let marker = 0;
  let remaining = 0;
  let filled = 0;

  const step = (byte: number): void => {
    switch (state) {
      case 'marker-prefix':
        // Stray bytes between segments are passed over, as decoders do.
        if (byte === 0xff) state = 'marker';
        break;
      case 'marker':
        if (byte === 0xff) break; // fill byte
        if (byte === SOS || byte === EOI) throw new BrokenHeaderError('is a JPEG without a frame header');
        marker = byte;
        state = byte === 0x00 || isStandalone(byte) ? 'marker-prefix' : 'length-high';
        break;
      case 'length-high':
        remaining = byte << 8;
        state = 'length-low';
        break;
      case 'length-low':
        remaining = (remaining | byte) - 2;
        if (remaining < 0) throw new BrokenHeaderError('is a JPEG with a damaged segment');
        state = isStartOfFrame(marker) ? 'frame' : remaining === 0 ? 'marker-prefix' : 'skip';
        break;
      case 'skip':
        remaining -= 1;
        if (remaining === 0) state = 'marker-prefix';
        break;
      case 'frame':
        frame[filled] = byte;
        filled += 1;
        break;
    }
  };

  return {
    push(chunk) {
      for (let offset = 0; offset < chunk.byteLength; offset += 1) {
        if (state === 'skip') {
          const skipped = Math.min(remaining - 1, chunk.byteLength - offset - 1);
          remaining -= skipped;
          offset += skipped;
        }
        step(chunk[offset] ?? 0);
        if (filled === frame.byteLength) return readFrame(frame);
      }
      return undefined;
    },
  };
}

function readFrame(frame: Uint8Array): Dimensions {
  const view = new DataView(frame.buffer);
  return { height: view.getUint16(1), width: view.getUint16(3) };
}
