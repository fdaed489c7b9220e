/**
 * What a sent message leaves in Redis, all in all and by kind of key; and the same of a paired device.
 *
 *   node --conditions=source test/bench/redis-memory.ts [messages, 200]
 */
import { createPicture } from '../support/distinct-picture.ts';
import { sendImage } from '../support/send-image.ts';
import { startStack } from '../support/stack.ts';

const MESSAGES = Number(process.argv[2] ?? 200);
const WARM_UP = 20;
const PHONE = '6281234567890';

const stack = await startStack({ simulator: { autoReceipts: 'none' } });
try {
  await stack.pair('shop', '6280000000001');
  stack.simulator.addPhone({ number: PHONE });
  const fields = { phone: PHONE, image: await createPicture(), caption: 'x'.repeat(100) };
  const send = async (count: number) => {
    for (let sent = 0; sent < count; sent += WARM_UP) {
      await Promise.all(Array.from({ length: WARM_UP }, () => sendImage(stack.url, 'shop', fields)));
    }
  };
  const usedBytes = async () => Number(/used_memory:(\d+)/.exec(await stack.redis.info('memory'))?.[1]);
  await send(WARM_UP);
  const before = await usedBytes();
  await send(MESSAGES);
  console.log({ bytes_per_message: Math.round(((await usedBytes()) - before) / MESSAGES) });

  const kinds = new Map<string, number[]>();
  for (const key of await stack.redis.keys('*')) {
    const kind = key.replace(/3EB0\w+/, '<id>');
    kinds.set(kind, [...(kinds.get(kind) ?? []), Number(await stack.redis.memory('USAGE', key))]);
  }
  for (const [kind, sizes] of kinds) {
    console.log({
      kind,
      keys: sizes.length,
      mean_bytes: Math.round(sizes.reduce((sum, size) => sum + size) / sizes.length),
    });
  }
} finally {
  await stack.stop();
}
