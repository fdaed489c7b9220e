import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { untilConnection } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertSent, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
let stack: Stack;
let stanzas: Stanzas;
let friend: Phone;
let image: Buffer;
let worker: ServiceProcess;

before(async () => {
  stack = await startStack({
    // A receipt would end a message whose keys are then lost.
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: '2000' },
  });
  worker = stack.worker;
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890', companions: 1 });
  stanzas = recordStanzas(stack.simulator);
  image = await createPicture();
});
after(() => stack.stop());

const device = () => stack.simulator.connections()[0]?.device ?? '';

async function send(phone = friend.number): Promise<string> {
  return assertSent(await sendImage(stack.url, DEVICE, { phone, image, caption: 'shown again' }));
}

/** The message as the phone shows it once this many of its two devices could read it. */
async function untilRead(messageId: string, copies: number): Promise<void> {
  const received = await waitUntil('both devices have read it', () =>
    friend.received.find(
      (message) => message.id === messageId && message.decryptedBy === 2 && message.copies >= copies && message.bytes,
    ),
  );
  assert.deepEqual([received.error, received.sha256, received.caption], [undefined, sha256(image), 'shown again']);
  assert.equal(friend.received.filter(({ id }) => id === messageId).length, 1);
}

test('a phone that asks for a message again gets it under its id', async () => {
  const id = await send();
  await untilRead(id, 1);
  friend.requestRetry(id);
  await untilRead(id, 2);
  assert.equal(stanzas.of(id).length, 2);
});

test('a member of a group that asks for a message again gets it under its id', async () => {
  const group = stack.simulator.addGroup({ subject: 'Friends', members: ['6280000000001', friend.number] });
  const id = await send(group.jid);
  await untilRead(id, 1);
  friend.requestRetry(id);
  await untilRead(id, 2);
});

for (const [who, deviceId] of [
  ['the phone', 0],
  ['a companion device', 1],
] as const) {
  test(`${who} that cannot read a message asks for it, and then reads it`, async () => {
    await untilRead(await send(), 1);
    friend.loseSession(device(), deviceId);
    const id = await send();
    await untilRead(id, deviceId === 0 ? 2 : 1);
    assert.ok(stanzas.of(id).length > 1);
  });

  test(`${who} is served by the next worker, when the one that sent the message has died`, async () => {
    friend.loseSession(device(), deviceId);
    // The socket dies with the ack and no other opens: the request waits at WhatsApp until the next worker is there.
    const refusing = stack.simulator.faults.add({ kind: 'upgrade_status', status: 503, count: null });
    stack.simulator.faults.add({ kind: 'close_after_ack', to: friend.number });
    const id = await send();
    await friend.waitFor((message) => message.id === id);
    assert.equal(stanzas.of(id).length, 1);
    worker.kill('SIGKILL');
    await worker.exited;
    stack.simulator.faults.remove(refusing);
    worker = await stack.startWorker();
    await untilRead(id, deviceId === 0 ? 2 : 1);
    assert.ok(stanzas.of(id).length > 1);
    await untilConnection(stack.url, DEVICE, 'connected');
  });
}

/** Runs the work while the worker lives, kills it, and puts back the Signal sessions that were stored before. */
async function losingKeyCommits<T>(work: () => Promise<T>): Promise<T> {
  const key = `postern:{${DEVICE}}:signal:session`;
  const stored = await stack.redis.hgetallBuffer(key);
  const result = await work();
  worker.kill('SIGKILL');
  await worker.exited;
  await stack.redis.del(key);
  await stack.redis.hset(key, stored);
  return result;
}

test('a worker that dies between the write and the commit of its keys: the resend is ignored, later messages are read', async () => {
  await send();
  const id = await losingKeyCommits(async () => {
    stack.simulator.faults.add({ kind: 'drop_ack', to: friend.number });
    const sending = sendImage(stack.url, DEVICE, { phone: friend.number, image }, { Prefer: 'respond-async' });
    const messageId = String((await sending).results['message_id']);
    await waitUntil('it is with WhatsApp', () => stanzas.of(messageId).length === 1);
    return messageId;
  });
  worker = await stack.startWorker();
  await untilState(stack.url, id, 'sent');
  await friend.waitFor((message) => message.id === id);
  await untilRead(await send(), 1);
  assert.equal(friend.received.filter((message) => message.id === id).length, 1);
});
