import { delay } from '@postern/runtime';

/** How messages are sent: in a loop each, or at a fixed rate; until the time or the count is over. */
export interface LoadShape {
  inFlight: number;
  /** Messages a second; then `inFlight` does not matter. */
  perSecond?: number | undefined;
  seconds: number;
  maxMessages?: number | undefined;
}

export interface LoadResult {
  sent: number;
  failed: number;
  elapsedMs: number;
  latenciesMs: number[];
  /** The first failure. */
  error?: string | undefined;
}

/** Sends until the shape says that it is enough, and waits for what is under way. */
export async function runLoad(shape: LoadShape, send: (index: number) => Promise<void>): Promise<LoadResult> {
  const { seconds, inFlight, perSecond, maxMessages = Number.POSITIVE_INFINITY } = shape;
  const started = performance.now();
  const result: LoadResult = { sent: 0, failed: 0, elapsedMs: 0, latenciesMs: [] };
  let index = 0;
  const isOver = () => index >= maxMessages || performance.now() - started >= seconds * 1000;
  const sendNext = async () => {
    const mine = index;
    index += 1;
    const begun = performance.now();
    try {
      await send(mine);
      result.sent += 1;
      result.latenciesMs.push(performance.now() - begun);
    } catch (error) {
      result.failed += 1;
      result.error ??= String(error);
    }
  };
  const loop = async () => {
    while (!isOver()) await sendNext();
  };
  if (perSecond === undefined) await Promise.all(Array.from({ length: inFlight }, loop));
  else {
    const sending: Promise<void>[] = [];
    while (!isOver()) {
      sending.push(sendNext());
      await delay(Math.max(0, started + (index * 1000) / perSecond - performance.now()));
    }
    await Promise.all(sending);
  }
  result.elapsedMs = performance.now() - started;
  return result;
}
