import { skipUnreadable } from '@postern/registry';
import type { Logger } from '@postern/runtime';
import type { GatewayMetrics, Unreadable } from './metrics.ts';

/** Counts and logs entries that are left out because they cannot be read. */
export function createUnreadableReport(metrics: Pick<GatewayMetrics, 'unreadable'>, logger: Logger) {
  const onUnreadable = (what: Unreadable) => (error: unknown) => {
    metrics.unreadable.inc({ what });
    logger.error({ err: error }, 'left out: an entry in Redis cannot be read');
  };
  return {
    onUnreadable,
    /** What was read; undefined when it cannot be, which is told. */
    skip: <T>(what: Unreadable, read: Promise<T>) => skipUnreadable(read, onUnreadable(what)),
  };
}
