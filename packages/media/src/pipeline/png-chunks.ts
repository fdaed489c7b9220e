import { crc32 } from 'node:zlib';

/** A chunk of a PNG. */
export interface PngChunk {
  /** Four letters, e.g. `IHDR`. */
  type: string;
  data: Buffer;
  /** Length, type, data and checksum. */
  bytes: Buffer;
}

const SIGNATURE_LENGTH = 8;
/** Length and type before a chunk's data, checksum after it. */
const OVERHEAD = 12;

/** The chunks of a PNG up to `IEND`; without one where the bytes are cut off. */
export function* walkPng(bytes: Buffer): Generator<PngChunk, void, undefined> {
  for (let offset = SIGNATURE_LENGTH; offset + 8 <= bytes.byteLength; ) {
    const end = offset + OVERHEAD + bytes.readUInt32BE(offset);
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    if (type !== 'IEND' && end > bytes.byteLength) return;
    yield { type, data: bytes.subarray(offset + 8, end - 4), bytes: bytes.subarray(offset, end) };
    if (type === 'IEND') return;
    offset = end;
  }
}

/** The same PNG with its EXIF before its pixels: there decoders look for it, but it may stand behind them, too. */
export function moveExifForward(bytes: Buffer): Buffer {
  const chunks = [...walkPng(bytes)];
  const exif = chunks.find(({ type }) => type === 'eXIf');
  const firstPixels = chunks.findIndex(({ type }) => type === 'IDAT');
  if (!exif || firstPixels === -1 || chunks.indexOf(exif) < firstPixels) return bytes;
  const others = (part: PngChunk[]) => part.filter((chunk) => chunk !== exif).map((chunk) => chunk.bytes);
  return Buffer.concat([
    bytes.subarray(0, SIGNATURE_LENGTH),
    ...others(chunks.slice(0, firstPixels)),
    exif.bytes,
    ...others(chunks.slice(firstPixels)),
  ]);
}

/** A whole chunk. */
export function toPngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(typed.byteLength + 8);
  chunk.writeUInt32BE(data.byteLength, 0);
  chunk.set(typed, 4);
  chunk.writeUInt32BE(crc32(typed), 4 + typed.byteLength);
  return chunk;
}
