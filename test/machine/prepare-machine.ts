import { delimiter, dirname } from 'node:path';
import { startLocalRedis } from '@postern/local-redis';
import { findBrowser } from './browser.ts';
import { findPrograms } from './programs.ts';

export interface PreparedMachine {
  /** What tests have in their environment beside what is there already. */
  environment: Record<string, string>;
  /** Programs that are neither installed nor to be had; tests that need one are left out. */
  missing: string[];
}

/**
 * Brings what tests need of the machine, before them and only once: a Redis, a browser, the tools of Prometheus and
 * Kubernetes, curl and openssl. Each is what is installed, else fetched into the user's cache. Rejects without a Redis.
 */
export async function prepareMachine(onProgress: (step: string) => void): Promise<PreparedMachine> {
  await (await startLocalRedis({ onProgress })).stop();
  const { folders, missing } = await findPrograms(onProgress);
  const browser = await findBrowser(onProgress);
  // What tests start by the name `node` is the Node that runs them.
  const path = [dirname(process.execPath), process.env['PATH'] ?? '', ...folders].join(delimiter);
  return {
    environment: { PATH: path, ...(browser === undefined ? {} : { CHROMIUM_PATH: browser }) },
    missing: browser === undefined ? [...missing, 'chromium'] : missing,
  };
}
