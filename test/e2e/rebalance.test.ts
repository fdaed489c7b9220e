import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys, readOwners } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Phone, RelayedMessage, SocketEvent } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICES = 40;
const PAUSE_MS = 1_500;
const keys = createKeys('postern');
const names = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
const workers: ServiceProcess[] = [];
let stack: Stack;
let friend: Phone;
let image: Buffer;

before(async () => {
  stack = await startStack({ simulator: { autoReceipts: 'none' } });
  await stack.worker.stop();
  await registerLinkedDevices(stack, names);
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await createPicture();
});
after(() => stack.stop());

/** How many devices each worker owns, the fewest first, when every device is connected. */
async function shares(): Promise<number[] | undefined> {
  if (stack.simulator.connections().length !== DEVICES) return undefined;
  const owners = await readOwners(stack.redis, keys, names);
  if (owners.includes(undefined)) return undefined;
  const ids = workers.map((worker) => worker.ready['worker_id']);
  return ids.map((id) => owners.filter((owner) => owner === id).length).toSorted((a, b) => a - b);
}

test('two workers that start at once share the devices evenly', async () => {
  workers.push(...(await Promise.all([stack.startWorker(), stack.startWorker()])));
  const settled = await waitUntil('every device is connected', shares, 60_000);
  assert.ok(
    settled.every((share) => share >= 19 && share <= 21),
    `shares: ${settled.join(', ')}`,
  );
});

test('a third gets its share, one device after the other, while messages flow: none lost, none reordered', async () => {
  const stanzas: RelayedMessage[] = [];
  const sockets: SocketEvent[] = [];
  stack.simulator.onMessage((message) => stanzas.push(message));
  stack.simulator.onSocket((event) => sockets.push(event));
  const joined = new AbortController();
  const accepted = new Map<string, string[]>();
  const talk = async (device: string) => {
    const ids: string[] = [];
    accepted.set(device, ids);
    await delay(Math.random() * PAUSE_MS);
    while (!joined.signal.aborted) {
      const answer = await sendImage(
        stack.url,
        device,
        { phone: friend.number, image },
        { Prefer: 'respond-async, wait=0' },
      );
      assert.equal(answer.status, 202, answer.message);
      ids.push(String(answer.results['message_id']));
      await delay(PAUSE_MS);
    }
  };
  const talks = Promise.all(names.map(talk));
  workers.push(await stack.startWorker());
  const settled = await waitUntil(
    'three fair shares',
    async () => {
      const now = await shares();
      return now && (now[0] ?? 0) >= 13 && now;
    },
    90_000,
  ).finally(() => {
    joined.abort();
  });
  await talks;
  assert.deepEqual(settled, [13, 13, 14]);

  const moved = sockets.filter(({ type }) => type === 'closed').map(({ device }) => device);
  assert.equal(new Set(moved).size, moved.length, 'a device was moved twice');
  assert.ok(moved.length === 13 || moved.length === 14, `${moved.length} devices were moved`);
  const letGo = workers.flatMap((worker) => worker.logged('letting a device go for a worker with fewer'));
  const times = letGo.map(({ time }) => Date.parse(String(time))).toSorted((a, b) => a - b);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(Math.min(...gaps) >= 900, `two devices were let go within ${Math.min(...gaps)} ms`);

  for (const ids of accepted.values()) for (const id of ids) await untilState(stack.url, id, 'sent');
  const first = [...new Set(stanzas.map(({ id }) => id))];
  for (const [device, ids] of accepted) {
    const own = new Set(ids);
    assert.deepEqual(
      first.filter((id) => own.has(id)),
      ids,
      `the order of ${device}`,
    );
  }
  const sent = [...accepted.values()].flat();
  const shown = friend.received.map(({ id }) => id);
  assert.deepEqual([new Set(shown).size, shown.length], [sent.length, sent.length]);
});
