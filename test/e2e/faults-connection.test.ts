import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { readConnection, request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent, readMessage, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const ACK_TIMEOUT_MS = 1_000;
let stack: Stack;
let stanzas: Stanzas;
let image: Buffer;
let friend: Phone;

before(async () => {
  stack = await startStack({
    workerEnv: {
      CONNECT_TIMEOUT_MS: String(CONNECT_TIMEOUT_MS),
      ACK_TIMEOUT_MS: String(ACK_TIMEOUT_MS),
      QUERY_TIMEOUT_MS: '1000',
      SEND_BACKOFF_MS: '50',
    },
  });
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
  image = await createPicture();
});
after(() => stack.stop());

/** Links a device of its own to each test; answers the JID of the linked device. */
async function link(deviceId: string, number: string): Promise<string> {
  const phone = await stack.pair(deviceId, number);
  return phone.linked()[0] ?? '';
}

const send = (deviceId: string, headers = {}) =>
  sendImage(stack.url, deviceId, { phone: friend.number, image }, headers);
const loginsSince = (logins: number) => stack.simulator.stats().logins - logins;
const isPending = async (promise: Promise<unknown>) => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

for (const code of [515, 503]) {
  test(`a stream error ${code} is answered by a new socket, through which the next message goes`, async () => {
    const device = await link(`stream-${code}`, `6280000000${code}`);
    const { logins } = stack.simulator.stats();
    stack.simulator.closeDevice(device, code);
    assertSent(await send(`stream-${code}`));
    assert.equal(loginsSince(logins), 1);
  });
}

test('while the upgrade is answered 503 the message waits; it is sent when WhatsApp is back', async () => {
  const device = await link('refused', '6280000000002');
  const fault = stack.simulator.faults.add({ kind: 'upgrade_status', status: 503, count: null });
  stack.simulator.closeDevice(device);
  const hits = () => stack.simulator.faults.list().find(({ id }) => id === fault)?.hits ?? 0;
  await waitUntil('several attempts to connect were refused', () => hits() >= 2);
  const sending = send('refused');
  await waitUntil('one more was refused', () => hits() >= 3);
  assert.ok(await isPending(sending));
  assert.match((await readConnection(stack.url, 'refused')).reason ?? '', /503/);
  stack.simulator.faults.remove(fault);
  assertSent(await sending);
});

test('a half-open link is given up after messages without acks, and the message goes through a new one', async () => {
  const device = await link('frozen', '6280000000003');
  assertSent(await send('frozen'));
  const { logins } = stack.simulator.stats();
  stack.simulator.faults.add({ kind: 'freeze', device });
  const id = assertSent(await send('frozen'));
  await friend.waitFor((message) => message.id === id);
  assert.equal(friend.received.filter((message) => message.id === id).length, 1);
  assert.ok(loginsSince(logins) >= 1);
});

test('unlinked on the phone: logged out, what waits fails at once, and the credentials are gone', async () => {
  const device = await link('unlinked', '6280000000004');
  const refusing = stack.simulator.faults.add({ kind: 'upgrade_status', status: 503, count: null });
  stack.simulator.closeDevice(device);
  await untilConnection(stack.url, 'unlinked', 'disconnected');
  const answers = await Promise.all(Array.from({ length: 20 }, () => send('unlinked', { Prefer: 'respond-async' })));
  const waiting = send('unlinked');
  await waitUntil('all are queued', async () => {
    const { waiting: queued, active } = await stack.leftovers('unlinked');
    return queued + active === 21;
  });
  const credentials = 'postern:{unlinked}:*';
  assert.ok((await stack.redis.keys(credentials)).some((key) => key.endsWith(':credentials')));
  stack.simulator.unlink(device);
  stack.simulator.faults.remove(refusing);

  const refusedAt = Date.now();
  const { status, code } = await waiting;
  assert.deepEqual([status, code], [500, 'DEVICE_NOT_CONNECTED']);
  for (const { results } of answers) {
    const { error } = await untilState(stack.url, results['message_id'], 'failed');
    assert.equal((error as { code: string }).code, 'DEVICE_NOT_CONNECTED');
    assert.equal(stanzas.of(String(results['message_id'])).length, 0);
  }
  assert.ok(Date.now() - refusedAt < 5_000);
  assert.equal((await readConnection(stack.url, 'unlinked')).state, 'logged_out');
  await waitUntil('nothing of the account is left', async () => {
    const keys = await stack.redis.keys(credentials);
    return !keys.some((key) => /:(credentials|signal:|content:|timers)/.test(key));
  });
  assert.deepEqual(await stack.leftovers('unlinked'), { waiting: 0, active: 0, jobs: 0, files: 0 });
  const next = await send('unlinked');
  assert.deepEqual([next.status, next.code], [500, 'DEVICE_NOT_CONNECTED']);
  assert.equal((await readMessage(stack.url, answers[0]?.results['message_id'])).results['attempts'], 0);
});

test('replaced by another connection: no ping-pong, one retry, then it waits to be asked', async () => {
  const device = await link('replaced', '6280000000005');
  const { logins } = stack.simulator.stats();
  stack.simulator.closeDevice(device, 440);
  const { reason } = await untilConnection(stack.url, 'replaced', 'disconnected');
  assert.match(reason ?? '', /another connection/);
  await waitUntil('it tries once more', () => loginsSince(logins) === 1, 25_000);
  await untilConnection(stack.url, 'replaced', 'connected');
  stack.simulator.closeDevice(device, 440);
  await untilConnection(stack.url, 'replaced', 'disconnected');
  assert.equal(loginsSince(logins), 1);
  await request(stack.url, 'POST', '/devices/replaced/reconnect');
  await untilConnection(stack.url, 'replaced', 'connected');
  assert.equal(loginsSince(logins), 2);
  assertSent(await send('replaced'));
});
