import { request } from 'node:https';
import { DEFAULT_ORIGIN } from '@whiskeysockets/baileys';

const MAX_ANSWER_BYTES = 64 * 1024;

/** What a media server answers to an upload it took. */
export interface MediaLocation {
  url: string | undefined;
  directPath: string | undefined;
}

/**
 * Uploads one encrypted file by HTTPS POST. Resolves with its location, or undefined when the server answered anything
 * else, whatever the status; rejects when there was no answer, or with the signal's reason.
 */
export function postMedia(url: URL, body: readonly Buffer[], signal: AbortSignal): Promise<MediaLocation | undefined> {
  return new Promise((resolve, reject) => {
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': length, Origin: DEFAULT_ORIGIN };
    const outgoing = request(url, { method: 'POST', headers, signal }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('the media server answered too much'));
        else parts.push(part);
      });
      response.on('end', () => resolve(parseLocation(Buffer.concat(parts).toString())));
      response.on('error', fail);
      response.on('aborted', () => fail(new Error('the media server broke off its answer')));
    });
    function fail(error: unknown): void {
      reject(signal.aborted ? signal.reason : error);
    }
    outgoing.on('error', fail);
    for (const part of body) outgoing.write(part);
    outgoing.end();
  });
}

function parseLocation(text: string): MediaLocation | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const field = (name: string) => {
    const value: unknown = Reflect.get(answer, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const location = { url: field('url'), directPath: field('direct_path') };
  return location.url === undefined && location.directPath === undefined ? undefined : location;
}
