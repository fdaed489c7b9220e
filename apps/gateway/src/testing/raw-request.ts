import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  status: number;
  head: string;
  body: string;
  /** How many bytes of the body the socket took before the connection ended. */
  written: number;
}

/** A multipart head whose image never ends by itself. */
export const ENDLESS_IMAGE = `--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n628123456789\r\n--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n`;

export interface RawRequest {
  headers: string[];
  /** The body's bytes, at most; the writer stops when the connection does. */
  body: Iterable<Buffer | string>;
  isChunked?: boolean;
}

/** Sends a request by hand and reads the answer while still writing, as fast as the socket takes it. */
export async function sendRaw(port: number, { headers, body, isChunked = false }: RawRequest): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  let written = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`POST /send/image HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n`);
  for (const piece of body) {
    if (socket.destroyed) break;
    const length = Buffer.byteLength(piece);
    if (isChunked) socket.write(`${length.toString(16)}\r\n`);
    const isRoomLeft = socket.write(piece);
    if (isChunked) socket.write('\r\n');
    written += length;
    if (!isRoomLeft) await Promise.race([onceDrained(socket), closed]);
  }
  await closed;
  const [head = '', ...rest] = received.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n'), written };
}

function onceDrained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', () => resolve()));
}

/** `total` bytes in pieces of 64 KB, after a beginning. */
export function* endlessBody(beginning: Buffer | string, total: number): Generator<Buffer | string> {
  yield beginning;
  const piece = Buffer.alloc(64 * 1024, 'a');
  for (let sent = 0; sent < total; sent += piece.length) yield piece;
}
