/** Headers by hand for tests: enough bytes to state any dimensions, and no pixels. */

export function jpegHeader(width: number, height: number): Buffer {
  const bytes = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc00011080000000003012200021101031101', 'hex');
  bytes.writeUInt16BE(height, 25);
  bytes.writeUInt16BE(width, 27);
  return bytes;
}

export function pngHeader(width: number, height: number): Buffer {
  const bytes = Buffer.from('89504e470d0a1a0a0000000d4948445200000000000000000802000000deadbeef', 'hex');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

export function gifHeader(width: number, height: number): Buffer {
  const bytes = Buffer.from('GIF89a\0\0\0\0\0\0\0', 'latin1');
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  return bytes;
}

function webp(fourCc: string, payload: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from(`RIFF\0\0\0\0WEBP${fourCc}\0\0\0\0`, 'latin1'), payload]);
  bytes.writeUInt32LE(bytes.byteLength - 8, 4);
  bytes.writeUInt32LE(payload.byteLength, 16);
  return bytes;
}

export function lossyWebpHeader(width: number, height: number): Buffer {
  const payload = Buffer.from('1001009d012a0000000000000000', 'hex');
  payload.writeUInt16LE(width, 6);
  payload.writeUInt16LE(height, 8);
  return webp('VP8 ', payload);
}

export function losslessWebpHeader(width: number, height: number): Buffer {
  const payload = Buffer.alloc(18);
  payload[0] = 0x2f;
  payload.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  return webp('VP8L', payload);
}

export function extendedWebpHeader(width: number, height: number): Buffer {
  const payload = Buffer.alloc(10);
  payload.writeUIntLE(width - 1, 4, 3);
  payload.writeUIntLE(height - 1, 7, 3);
  return webp('VP8X', payload);
}
