import { once } from 'node:events';
import { createDeflate } from 'node:zlib';
import { toPngChunk } from './png-chunks.ts';

/** Adam7: where the seven passes start, and their steps (PNG 3rd edition, 8.2). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** A valid, interlaced PNG of one colour with 16 bits a sample and alpha: a few bytes a kilopixel that ask for 8 a pixel. */
export async function interlacedPng(edge: number, more: Buffer[] = []): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(edge, 0);
  header.writeUInt32BE(edge, 4);
  header.set([16, 6, 0, 0, 1], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const pixels = toPngChunk('IDAT', await deflated(edge));
  return Buffer.concat([signature, toPngChunk('IHDR', header), ...more, pixels, toPngChunk('IEND', Buffer.alloc(0))]);
}

async function deflated(edge: number): Promise<Buffer> {
  const deflate = createDeflate({ level: 9 });
  const parts: Buffer[] = [];
  deflate.on('data', (part: Buffer) => parts.push(part));
  for (const [left, top, stepX, stepY] of PASSES) {
    const row = Buffer.alloc(1 + 8 * Math.ceil((edge - left) / stepX));
    for (let y = top; y < edge; y += stepY) if (!deflate.write(row)) await once(deflate, 'drain');
  }
  deflate.end();
  await once(deflate, 'end');
  return Buffer.concat(parts);
}
