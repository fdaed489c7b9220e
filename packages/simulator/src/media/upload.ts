import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FaultBook } from '../faults/fault-book.ts';
import type { MediaAuth } from './media-auth.ts';
import { MediaRefusal } from './media-refusal.ts';
import type { MediaStore } from './media-store.ts';
import { commitUploadFault, takeUploadFault } from './upload-fault.ts';

export interface UploadParts {
  auth: MediaAuth;
  store: MediaStore;
  faults: Pick<FaultBook, 'take'>;
  maxUploadBytes: number;
  /** Cuts the uploading connection by a TCP reset. */
  reset: () => void;
}

/**
 * Takes `POST /mms/<kind>/<hash>?auth=…&token=<hash>`, where the hash is the unpadded base64url SHA-256 of the body, as
 * Baileys' getWAUploadToServer sends it. Stores the body and returns the hash. Throws a MediaRefusal for anything that
 * is not so; rejects with the signal's reason when the client goes away or the server stops.
 */
export async function receiveUpload(
  request: IncomingMessage,
  url: URL,
  parts: UploadParts,
  signal: AbortSignal,
): Promise<string> {
  const hash = /^\/mms\/[a-z-]+\/([\w-]{43})$/.exec(url.pathname)?.[1];
  if (!hash) throw new MediaRefusal(404, 'not an upload path');
  const device = parts.auth.verify(url.searchParams.get('auth') ?? '');
  if (!device) throw new MediaRefusal(401, 'auth was not handed out by this server');
  if (url.searchParams.get('token') !== hash) throw new MediaRefusal(401, 'token is not the hash of the path');

  const fault = takeUploadFault(parts.faults, device);
  if (fault?.kind === 'upload_reset') {
    request.once('data', parts.reset);
    request.once('end', parts.reset);
  }
  const body = await readBody(request, parts.maxUploadBytes);
  if (fault) await commitUploadFault(fault, signal);
  const actual = createHash('sha256').update(body).digest('base64url');
  if (actual !== hash) throw new MediaRefusal(400, `the body's SHA-256 is ${actual}, the path says ${hash}`);
  parts.store.put(hash, body);
  return hash;
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new MediaRefusal(413, `the body is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
