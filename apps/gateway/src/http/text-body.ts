import { Failure } from '@postern/contract';
import type { Request } from 'express';
import { checkDeclaredBody, inviteBody, watchBody } from './body-watch.ts';

/** Room for a caption of 3000 code points in any escaping, and then some. */
const MAX_TEXT_BYTES = 64 * 1024;

/** Reads a small UTF-8 body whole. Throws VALIDATION_ERROR when it is too large, compressed, cut off or not UTF-8. */
export async function readTextBody(request: Request, signal: AbortSignal, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  const tooLarge = () => new Failure('VALIDATION_ERROR', `The body is larger than ${maxBytes} bytes`);
  checkDeclaredBody(request, maxBytes, tooLarge);
  inviteBody(request);
  const watch = watchBody(request, { maxBytes, tooLarge, signal });
  const chunks: Buffer[] = [];
  const collect = (chunk: Buffer) => chunks.push(chunk);
  const ended = new Promise<void>((resolve) => request.on('data', collect).once('end', resolve));
  try {
    await Promise.race([ended, watch.failed]);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof TypeError) throw new Failure('VALIDATION_ERROR', 'The body is not valid UTF-8');
    throw error;
  } finally {
    watch.stop();
    request.off('data', collect);
  }
}
