import { delay, Gauge, type Logger, type ReadinessCheck, type Registry, within } from '@postern/runtime';
import type { BlobStore } from './blob-store.ts';

export interface WatchOptions {
  intervalMs: number;
  registry: Registry;
  logger: Logger;
}

export interface BlobStoreWatch {
  /** Tells what the newest look found, without asking the store. */
  check: ReadinessCheck;
  stop(): Promise<void>;
}

const ANSWERS_WITHIN_MS = 10_000;

/**
 * Looks at the store at once and every interval, and exports `postern_blob_store_up`. One that does not answer within 10 s
 * counts as away. Resolves after the first look.
 */
export async function watchBlobStore(
  store: Pick<BlobStore, 'probe'>,
  { intervalMs, registry, logger }: WatchOptions,
): Promise<BlobStoreWatch> {
  const stopping = new AbortController();
  const up = new Gauge({
    name: 'postern_blob_store_up',
    help: 'Whether this process can use the store of uploaded images (0 or 1)',
    registers: [registry],
  });
  let problem: string | undefined;
  let probing: Promise<void> | undefined;
  const look = async () => {
    // One that hangs keeps a thread: it is not asked again before it answers.
    probing ??= store.probe().finally(() => {
      probing = undefined;
    });
    const looking = within(probing, ANSWERS_WITHIN_MS, () => new Error('does not answer'), stopping.signal);
    const error = await looking.then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
    );
    if (stopping.signal.aborted) return;
    if (error && problem === undefined) logger.error({ err: error }, 'blob store unavailable');
    if (!error && problem !== undefined) logger.info('blob store available again');
    problem = error?.message;
    up.set(error ? 0 : 1);
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await delay(intervalMs, stopping.signal).catch(() => {});
      if (!stopping.signal.aborted) await look();
    }
  };
  await look();
  const running = run();
  return {
    check: { name: 'blobs', findProblem: () => problem },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
