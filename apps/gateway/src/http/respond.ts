import type { Request, Response } from 'express';

/** The body of every JSON answer. */
export interface Envelope {
  code: string;
  message: string;
  results?: unknown;
}

/** How much of a body that nobody wants is still read, so that its sender gets to see the answer. */
const MAX_DRAIN_BYTES = 1024 * 1024;
const MAX_DRAIN_MS = 2_000;
/** How long the sender of a larger body, whose writes go nowhere any more, has to read the answer before the reset. */
const LAST_LOOK_MS = 300;

/** Answers 200 with the GoWA envelope. */
export function succeed(response: Response, message: string, results?: unknown, code = 'SUCCESS'): void {
  respond(response, 200, { code, message, results });
}

/**
 * Sends a JSON answer. When the request's body has not been read to its end, the answer goes out at once, the rest of
 * the body is read up to a bound, and then the connection is destroyed: a refused upload costs neither memory nor time.
 */
export function respond(response: Response, status: number, envelope: Envelope): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(envelope));
  response
    .status(status)
    .set('Content-Type', 'application/json; charset=utf-8')
    // What is true now, for one caller: nobody on the way may keep it.
    .set('Cache-Control', 'no-store')
    .set('Content-Length', `${body.length}`);
  if (isBodyPending(response.req)) endAfterDraining(response.req, response, body);
  else response.end(body);
}

function isBodyPending(request: Request): boolean {
  if (request.complete) return false;
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** The answer is complete for the client by its Content-Length; ending it only later keeps the connection readable. */
function endAfterDraining(request: Request, response: Response, body: Buffer): void {
  const declared = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (declared > MAX_DRAIN_BYTES) response.set('Connection', 'close');
  response.write(body);
  let drained = 0;
  const finish = (isWhole: boolean) => {
    clearTimeout(timer);
    request.off('data', count).off('end', onEnd).off('close', onClose);
    response.end(() => {
      if (!isWhole) request.destroy();
    });
  };
  const onEnd = () => finish(true);
  const onClose = () => finish(false);
  const count = (chunk: Buffer) => {
    drained += chunk.length;
    if (drained <= MAX_DRAIN_BYTES) return;
    request.off('data', count).removeAllListeners('readable').pause();
    clearTimeout(timer);
    timer = setTimeout(() => finish(false), LAST_LOOK_MS);
  };
  let timer = setTimeout(() => finish(false), MAX_DRAIN_MS);
  request.unpipe();
  // A parser that gave up would go on reading.
  request.removeAllListeners('readable');
  request.on('data', count).once('end', onEnd).once('close', onClose);
  request.resume();
}
