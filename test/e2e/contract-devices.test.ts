import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { readConnection, request, untilConnection } from '../support/api.ts';
import {
  assertAcceptedFailure,
  assertNothingLeft,
  assertRefused,
  assertSent,
  readMessage,
  untilState,
} from '../support/message-status.ts';
import { photo } from '../support/pictures.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const GRACE_MS = 2_000;
const NOT_CONNECTED = { status: 500, code: 'DEVICE_NOT_CONNECTED' };

let stack: Stack;
let friend: Phone;
let image: Buffer;
before(async () => {
  const grace = { DEVICE_GRACE_MS: String(GRACE_MS) };
  stack = await startStack({ gatewayEnv: grace, workerEnv: { ...grace, SEND_BACKOFF_MS: '20' } });
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await photo(100, 100);
});
after(() => stack.stop());

let lastNumber = 6280000000000;
/** A linked device of its own for each test, and its JID. */
async function pairOne(deviceId: string): Promise<string> {
  lastNumber += 1;
  const [jid = ''] = (await stack.pair(deviceId, String(lastNumber))).linked();
  return jid;
}

/** Breaks the device's socket and refuses every login until the answered function is called. */
async function takeOffline(deviceId: string, jid: string): Promise<() => void> {
  const rule = stack.simulator.faults.add({ kind: 'stream_error', device: jid, code: 503, count: null });
  stack.simulator.closeDevice(jid);
  await waitUntil(`${deviceId} is offline`, async () => {
    const { state } = await readConnection(stack.url, deviceId);
    return state === 'disconnected' || state === 'connecting';
  });
  return () => stack.simulator.faults.remove(rule);
}

const send = (deviceId: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  sendImage(stack.url, deviceId, { phone: friend.number, image, ...fields }, headers);

/** Accepts a message that has to wait. */
async function queue(deviceId: string, fields: Record<string, string> = {}): Promise<string> {
  const answer = await send(deviceId, fields, { Prefer: 'respond-async' });
  assert.deepEqual([answer.status, answer.code], [202, 'ACCEPTED']);
  return String(answer.results['message_id']);
}

/** The first refusal once the grace is over; what is accepted before it expires at once. */
function untilRefused(deviceId: string): Promise<Answer> {
  return waitUntil('the grace is over', async () => {
    const answer = await send(deviceId, { ttl: '1' }, { Prefer: 'respond-async' });
    return answer.status !== 202 && answer;
  });
}

async function assertFailedRecord(deviceId: string, messageId: string, code: string): Promise<void> {
  const { error } = await untilState(stack.url, messageId, 'failed');
  assert.equal((error as { code: string }).code, code);
  await assertNothingLeft(stack, deviceId);
}

test('a device that was never paired is refused before anything is queued', async () => {
  await request(stack.url, 'POST', '/devices', { device_id: 'unpaired' });
  await assertRefused(stack, 'unpaired', await send('unpaired'), { ...NOT_CONNECTED, message: /not paired/ });
});

test('a device that the phone unlinked is refused, and what waited for it fails', async () => {
  const jid = await pairOne('unlinked');
  const comeBack = await takeOffline('unlinked', jid);
  const waiting = await queue('unlinked');
  stack.simulator.unlink(jid);
  comeBack();
  await untilConnection(stack.url, 'unlinked', 'logged_out');
  await assertFailedRecord('unlinked', waiting, 'DEVICE_NOT_CONNECTED');
  await assertRefused(stack, 'unlinked', await send('unlinked'), {
    ...NOT_CONNECTED,
    message: /pair it again|not paired/,
  });
});

test('a device that was logged out through the API is refused, and what waited for it fails', async () => {
  const jid = await pairOne('logged-out');
  const comeBack = await takeOffline('logged-out', jid);
  const waiting = send('logged-out');
  await waitUntil('the message waits', async () => (await stack.leftovers('logged-out')).waiting === 1);
  assert.equal((await request(stack.url, 'POST', '/devices/logged-out/logout')).status, 200);
  comeBack();
  await assertAcceptedFailure(stack, 'logged-out', await waiting, NOT_CONNECTED);
  await assertRefused(stack, 'logged-out', await send('logged-out'), NOT_CONNECTED);
});

test('a device that is offline for longer than the grace is refused; back again, it sends', async () => {
  const jid = await pairOne('away');
  const comeBack = await takeOffline('away', jid);
  const refused = await untilRefused('away');
  await assertNothingLeft(stack, 'away');
  assert.deepEqual([refused.status, refused.code], [500, 'DEVICE_NOT_CONNECTED']);
  assert.match(refused.message, /offline for \d+ s/);
  assert.equal(refused.results['device_id'], 'away');
  comeBack();
  await request(stack.url, 'POST', '/devices/away/reconnect');
  await untilConnection(stack.url, 'away', 'connected');
  assertSent(await send('away'));
});

test('a message in hand when its device goes away waits for the grace, then fails', async () => {
  const jid = await pairOne('lost');
  // The socket breaks at the look-up of the recipient, and every login after it is refused.
  stack.simulator.faults.add({ kind: 'close', device: jid, xmlns: 'usync' });
  stack.simulator.faults.add({ kind: 'stream_error', device: jid, code: 503, count: null });
  const answer = await send('lost');
  const failed = await assertAcceptedFailure(stack, 'lost', answer, { ...NOT_CONNECTED, message: /offline for more/ });
  assert.equal(failed['attempts'], 0, 'nothing was handed to WhatsApp');
});

test('a message in hand when its device is gone for a moment is sent', async () => {
  const jid = await pairOne('flickering');
  stack.simulator.faults.add({ kind: 'close', device: jid, xmlns: 'usync' });
  assertSent(await send('flickering'));
});

test('a message that waits for longer than its ttl expires, and nothing of it stays', async () => {
  const jid = await pairOne('late');
  const comeBack = await takeOffline('late', jid);
  const answer = await send('late', { ttl: '1' });
  await assertAcceptedFailure(stack, 'late', answer, { status: 500, code: 'EXPIRED', message: /ttl/ });
  comeBack();
});

test('a backlog outlives the grace and is sent in order when its device is back', async () => {
  const jid = await pairOne('patient');
  const comeBack = await takeOffline('patient', jid);
  const ids = [await queue('patient'), await queue('patient'), await queue('patient')];
  await untilRefused('patient');
  assert.equal((await readMessage(stack.url, ids[0])).results['state'], 'queued');
  comeBack();
  await request(stack.url, 'POST', '/devices/patient/reconnect');
  for (const id of ids) await friend.waitFor((message) => message.id === id);
  const shown = friend.received.map(({ id }) => id).filter((id) => ids.includes(id));
  assert.deepEqual(shown, ids);
  await assertNothingLeft(stack, 'patient');
});

test('what waits for a device that is deleted fails at once, and the device is gone', async () => {
  const jid = await pairOne('deleted');
  await takeOffline('deleted', jid);
  const waiting = send('deleted');
  await waitUntil('the message waits', async () => (await stack.leftovers('deleted')).waiting === 1);
  assert.equal((await request(stack.url, 'DELETE', '/devices/deleted')).status, 200);
  const failed = { status: 500, code: 'DEVICE_DELETED', message: /removed/ };
  await assertAcceptedFailure(stack, 'deleted', await waiting, failed);
  const gone = { status: 404, code: 'DEVICE_NOT_FOUND', results: { device_id: 'deleted' } };
  await assertRefused(stack, 'deleted', await send('deleted'), gone);
});

test('QUEUE_FULL: a lane at its limit says when to come again', async () => {
  const jid = await pairOne('busy');
  const gateway = await stack.startGateway({ LANE_LIMIT: '1' });
  const url = `http://127.0.0.1:${String(gateway.ready['port'])}`;
  const comeBack = await takeOffline('busy', jid);
  const waiting = await queue('busy');
  const full = await sendImage(url, 'busy', { phone: friend.number, image });
  assert.deepEqual([full.status, full.code, full.results['message_id']], [429, 'QUEUE_FULL', undefined]);
  assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
  comeBack();
  await untilState(stack.url, waiting, 'delivered');
  assertSent(await sendImage(url, 'busy', { phone: friend.number, image }));
  await assertNothingLeft(stack, 'busy');
});

test('WhatsApp is asked whether a number is there; an offline device says at once that it cannot ask', async () => {
  const jid = await pairOne('asker');
  const check = (phone: string) => request(stack.url, 'GET', `/user/check?device_id=asker&phone=${phone}`);
  assert.deepEqual((await check(friend.number)).results, { is_on_whatsapp: true });
  assert.deepEqual((await check('6289999999999')).results, { is_on_whatsapp: false });
  const comeBack = await takeOffline('asker', jid);
  const refused = await check(friend.number);
  assert.deepEqual([refused.status, refused.code], [500, 'DEVICE_NOT_CONNECTED']);
  comeBack();
});
