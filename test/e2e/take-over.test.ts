import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newMessageId, type SendImageJob } from '@postern/contract';
import { openLaneQueue } from '@postern/queue';
import { createKeys, createMessages } from '@postern/registry';
import type { Phone, RelayedMessage } from '@postern/simulator';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { photo } from '../support/pictures.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICES = 40;
const names = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
const keys = createKeys('postern');
const relayed: RelayedMessage[] = [];
let stack: Stack;
let friend: Phone;
let image: Buffer;

before(async () => {
  stack = await startStack({
    // Only the acks shall end a message.
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: '2000', LANE_CONCURRENCY: '8' },
  });
  await registerLinkedDevices(stack, names);
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await photo();
  stack.simulator.onMessage((message) => relayed.push(message));
  await waitUntil('all devices are connected', () => stack.simulator.connections().length === DEVICES, 60_000);
});
after(() => stack.stop());

const send = (device: string, phone = friend.number, headers: Record<string, string> = {}) =>
  sendImage(stack.url, device, { phone, image }, headers);

test('a lane whose wake message was lost is worked all the same', async () => {
  const job: SendImageJob = {
    message_id: newMessageId(),
    device_id: 'device-1',
    recipient: { kind: 'person', jid: friend.jid },
    image: { source: 'url', url: 'http://127.0.0.1:9/gone.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: Date.now(),
    expires_at: Date.now() + 60_000,
    request_id: 'r',
    reply_to: 'nobody',
  };
  const messages = createMessages(stack.redis, keys, { recordTtlMs: 60_000 });
  const { message_id, device_id, accepted_at: created_at, expires_at } = job;
  await messages.create({
    message_id,
    device_id,
    phone: friend.jid,
    state: 'queued',
    attempts: 0,
    created_at,
    expires_at,
  });
  // As a producer adds it, without the hint to the owner and without the queue's own marker.
  const queue = await openLaneQueue(stack.redis, keys, device_id);
  await queue.add('send-image', job, { jobId: message_id });
  await stack.redis.del(`${keys.device(device_id).lanePrefix}:lane:marker`);
  await queue.close();
  const worked = async () => (await messages.get(message_id))?.attempts ?? 0;
  await waitUntil('the message was taken in hand', async () => (await worked()) > 0);
});

test('a device that is stuck holds up none of the others', async () => {
  const [stuck = '', ...others] = names;
  const owner = await waitUntil(
    'the account of the stuck device',
    async () => (await stack.redis.hget(keys.device(stuck).record, 'jid')) ?? undefined,
  );
  stack.simulator.faults.add({ kind: 'iq_silence', device: owner, count: null });
  let ended = false;
  const hanging = send(stuck).finally(() => {
    ended = true;
  });
  const answers = await Promise.all(others.map((device) => send(device)));
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
  assert.equal(ended, false, 'the stuck message ended before those of the other devices');
  stack.simulator.faults.clear();
  assert.ok([200, 202].includes((await hanging).status));
});

test('messages in hand survive two workers that die one after the other, in order, each under its one id', async () => {
  const device = 'device-2';
  const target = stack.simulator.addPhone({ number: '6281234567899' });
  const hold = stack.simulator.faults.add({ kind: 'drop_ack', to: target.number, count: null });
  const ids: string[] = [];
  for (let n = 0; n < 8; n += 1) {
    const answer = await send(device, target.number, { Prefer: 'respond-async' });
    assert.equal(answer.status, 202);
    ids.push(String(answer.results['message_id']));
  }
  const firstRelays = () => [
    ...new Set(relayed.filter(({ to }) => to === target.jid || to === target.lid).map(({ id }) => id)),
  ];
  await waitUntil('all eight are relayed', () => firstRelays().length === 8);
  let worker = stack.worker;
  for (const round of [1, 2]) {
    const relayedBefore = relayed.length;
    const next = await stack.startWorker();
    worker.kill('SIGKILL');
    await worker.exited;
    worker = next;
    await waitUntil(
      `the successor ${round} has sent all eight again`,
      () => new Set(relayed.slice(relayedBefore).map(({ id }) => id)).size >= 8,
      30_000,
    );
  }
  stack.simulator.faults.remove(hold);
  await waitUntil(
    'all eight are sent',
    async () => {
      const states = await Promise.all(ids.map((id) => stack.redis.hget(keys.device(device).message(id), 'state')));
      return states.every((state) => state === 'sent' || state === 'delivered');
    },
    60_000,
  );
  assert.deepEqual(firstRelays(), ids);
  await waitUntil('the phone has all eight', () => target.received.length === 8);
  assert.deepEqual(new Set(target.received.map(({ id }) => id)), new Set(ids));
});
