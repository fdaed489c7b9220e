/** The stages a message goes through in the worker, in order; the label of their histogram. */
export const STAGES = ['queue_wait', 'fetch', 'process', 'lookup', 'upload', 'relay', 'ack'] as const;
export type StageName = (typeof STAGES)[number];

/** Runs one stage of a message and observes how long it took, whatever came of it. */
export type Stage = <T>(name: StageName, run: () => Promise<T>) => Promise<T>;

/** Builds a Stage from what takes the seconds. */
export function createStage(observe: (name: StageName, seconds: number) => void): Stage {
  return async (name, run) => {
    const started = performance.now();
    try {
      return await run();
    } finally {
      observe(name, (performance.now() - started) / 1000);
    }
  };
}

/** Times the relay, until the stanza is written, apart from the wait for its ack. `send` says when it is written. */
export async function relayAndAck<T>(stage: Stage, send: (onWritten: () => void) => Promise<T>): Promise<T> {
  const { promise: written, resolve: onWritten } = Promise.withResolvers<void>();
  const sending = send(onWritten);
  await stage('relay', () => Promise.race([written, sending]));
  return stage('ack', () => sending);
}
