import { type Mail, mailSchema } from '@postern/contract';
import { createDrainingScript, type Keys } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';

/** How many letters a mailbox keeps, and for how long after the last one. Readers that fall behind re-read records. */
const MAX_LETTERS = 10_000;
const MAILBOX_TTL_MS = 10 * 60_000;
/** A read that blocks hides whether its connection still lives. */
const BLOCK_MS = 2_000;

// KEYS: mailbox. ARGV: the letter. News of what ended is told also by a full Redis; a mailbox is bounded.
const post = createDrainingScript<number>(`
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ${MAX_LETTERS}, '*', 'mail', ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ${MAILBOX_TTL_MS})`);

/**
 * Posts to another process: one stream per process, so that nobody reads what is meant for others and nothing is lost
 * while the reader reconnects.
 */
export async function postMail(redis: Redis, keys: Keys, processId: string, mail: Mail): Promise<void> {
  await post(redis, [keys.mailbox(processId)], [JSON.stringify(mail)]);
}

export interface MailboxOptions {
  /** Used for blocking reads only: a connection of its own, with the `patient` profile. */
  redis: Redis;
  keys: Keys;
  processId: string;
  /** Called for each letter, in order; must not throw. */
  onMail: (mail: Mail) => void;
  onError: (error: unknown) => void;
}

/** Reads this process's mail from now on, resuming after reconnects where it stopped, until `stop`. */
export async function startMailbox(options: MailboxOptions): Promise<{ stop(): Promise<void> }> {
  const { redis, keys, processId, onMail, onError } = options;
  const key = keys.mailbox(processId);
  const stopping = new AbortController();
  let after = await newestId(redis, key);

  const readOnce = async () => {
    const asked = redis.xread('COUNT', 500, 'BLOCK', BLOCK_MS, 'STREAMS', key, after);
    const reply = await untilAborted(asked, stopping.signal);
    for (const [id, fields] of reply?.[0]?.[1] ?? []) {
      after = id;
      deliver(fields[1]);
    }
  };
  const deliver = (json: string | undefined) => {
    try {
      onMail(mailSchema.parse(JSON.parse(json ?? '')));
    } catch (error) {
      onError(error);
    }
  };
  const read = async () => {
    while (!stopping.signal.aborted) {
      try {
        await readOnce();
      } catch (error) {
        if (stopping.signal.aborted) return;
        onError(error);
        await delay(200, stopping.signal).catch(() => {});
      }
    }
  };
  const reading = read();
  return {
    async stop() {
      stopping.abort();
      await reading;
      // The connection is this mailbox's alone.
      redis.disconnect();
    },
  };
}

/** A read that waits for a reconnection is not even ended by closing its connection: ioredis drops it without a word. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}

async function newestId(redis: Redis, key: string): Promise<string> {
  const [newest] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0';
}
