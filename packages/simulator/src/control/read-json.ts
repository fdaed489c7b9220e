import type { IncomingMessage } from 'node:http';
import { ControlError } from './control-error.ts';

const MAX_BYTES = 24 * 2 ** 20;

/**
 * Reads a JSON body of at most 24 MiB; undefined when it is empty. Throws 413, 415 or 400.
 * Requiring the JSON type keeps pages of other origins from posting without a preflight request.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new ControlError(413, `the body is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return undefined;
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) throw new ControlError(415, `expected application/json, got "${type}"`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new ControlError(400, `the body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}
