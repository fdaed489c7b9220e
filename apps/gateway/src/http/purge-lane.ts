import type { BlobStore } from '@postern/media';
import type { Messages } from '@postern/registry';
import type { GatewayMetrics } from '../metrics.ts';
import type { Outcomes } from '../outcomes/outcomes.ts';
import type { Exchange } from './exchange.ts';

export interface PurgeLaneParts {
  /** Cancels what waits in the lane, by compare-and-set, and takes the jobs away; answers the ids in chunks. */
  purge: (deviceId: string) => AsyncIterable<string[]>;
  messages: Pick<Messages, 'forgetDeadline'>;
  blobs: Pick<BlobStore, 'delete'>;
  outcomes: Pick<Outcomes, 'onSettled'>;
  metrics: Pick<GatewayMetrics, 'cancelled'>;
}

/** How many messages are tidied up at once. */
const AT_ONCE = 20;

/** Cancels every message that waits in the lane now; answers how many. */
export async function purgeWaiting(exchange: Exchange, deviceId: string, parts: PurgeLaneParts): Promise<number> {
  const { purge, outcomes, metrics } = parts;
  let count = 0;
  for await (const messageIds of purge(deviceId)) {
    count += messageIds.length;
    metrics.cancelled.inc(messageIds.length);
    // Who waits at another gateway looks by itself.
    for (const messageId of messageIds) outcomes.onSettled(messageId);
    await tidyUp(exchange, deviceId, messageIds, parts);
  }
  exchange.logger.info({ device_id: deviceId, cancelled: count }, 'lane purged');
  return count;
}

/** What fails here is made up for by the expiry and the sweeper. */
async function tidyUp(
  { logger }: Exchange,
  deviceId: string,
  messageIds: string[],
  { messages, blobs }: PurgeLaneParts,
): Promise<void> {
  const tidyOne = async (messageId: string) => {
    await blobs.delete(messageId);
    await messages.forgetDeadline(deviceId, messageId);
  };
  try {
    for (let from = 0; from < messageIds.length; from += AT_ONCE) {
      await Promise.all(messageIds.slice(from, from + AT_ONCE).map(tidyOne));
    }
  } catch (error) {
    logger.warn({ err: error, device_id: deviceId }, 'purged messages not tidied up');
  }
}
