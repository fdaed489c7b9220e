import assert from 'node:assert/strict';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { request, untilConnection } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const LEASE_TTL_MS = 2_000;
let stack: Stack;
let stanzas: Stanzas;
let friend: Phone;
let seeds = 0;

before(async () => {
  // A receipt would prove what the ack does not yet say.
  stack = await startStack({
    simulator: { autoReceipts: 'none' },
    workerEnv: { LEASE_TTL_MS: String(LEASE_TTL_MS), ACK_TIMEOUT_MS: '2000' },
  });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
});
after(() => stack.stop());

async function send(headers: Record<string, string> = {}) {
  seeds += 1;
  const image = await createPicture(seeds);
  const answer = await sendImage(stack.url, DEVICE, { phone: friend.number, image }, headers);
  return { answer, image };
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; elapsedMs: number }> {
  const startedAt = performance.now();
  return { result: await work, elapsedMs: performance.now() - startedAt };
}

async function assertGatewayRefuses(): Promise<void> {
  const sent = await timed(send());
  assert.deepEqual([sent.result.answer.status, sent.result.answer.code], [503, 'QUEUE_UNAVAILABLE']);
  assert.ok(Number(sent.result.answer.headers.get('retry-after')) > 0);
  assert.equal(sent.result.answer.results['message_id'], undefined);
  assert.ok(sent.elapsedMs < 1_000, `answered after ${Math.round(sent.elapsedMs)} ms`);
  for (const path of ['/readyz', `/devices/${DEVICE}/status`, '/messages/3EB0000000000000000000']) {
    const { result, elapsedMs } = await timed(request(stack.url, 'GET', path));
    assert.equal(result.status, 503, path);
    assert.ok(elapsedMs < 1_000, `${path} answered after ${Math.round(elapsedMs)} ms`);
  }
  assert.equal((await request(stack.url, 'GET', '/healthz')).status, 200);
}

/** Kills Redis and takes from its file what came after this size, as when the disk was slow. */
async function killAndForget(file: string, size: number): Promise<void> {
  process.kill(stack.redisServer.pid, 'SIGKILL');
  await waitUntil('Redis is gone', async () => !(await isReady()));
  await truncate(file, size);
  await stack.restartRedis();
}

async function findAppendOnlyFile(): Promise<string> {
  const [, directory = ''] = await stack.redis.config('GET', 'dir');
  const files = await readdir(join(directory, 'appendonlydir'));
  return join(directory, 'appendonlydir', files.find((name) => name.endsWith('.incr.aof')) ?? '');
}

const isReady = async () => (await fetch(`${stack.url}/readyz`)).status === 200;

test('Redis killed: refused at once with 503, and everything goes on when it is back', async () => {
  assertSent((await send()).answer);
  // In hand when Redis dies: its ack comes while nothing can be written.
  stack.simulator.faults.add({ kind: 'delay_ack', to: friend.number, delayMs: 1_000 });
  const inHand = (await send({ Prefer: 'respond-async, wait=0' })).answer;
  const id = String(inHand.results['message_id']);
  await waitUntil('it is with WhatsApp', () => stanzas.of(id).length === 1);
  const { logins } = stack.simulator.stats();
  // Redis writes its file every second.
  await stack.redis.config('SET', 'appendfsync', 'always');
  process.kill(stack.redisServer.pid, 'SIGKILL');
  await waitUntil('Redis is gone', async () => !(await isReady()));
  await assertGatewayRefuses();
  await stack.restartRedis();
  await waitUntil('the gateway is ready', isReady);
  await untilState(stack.url, id, 'sent');
  const { answer, image } = await send();
  const received = await friend.waitFor((message) => message.id === assertSent(answer));
  assert.equal(received.sha256, sha256(image));
  // The socket outlives a Redis that comes back.
  assert.equal(stack.simulator.stats().logins, logins);
  assert.equal(stanzas.of(id).length, 1);
  await assertNothingLeft(stack, DEVICE);
});

test('Redis stopped for longer than a lease: answers within a second, and the worker goes on afterwards', async () => {
  const { logins } = stack.simulator.stats();
  process.kill(stack.redisServer.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  try {
    await assertGatewayRefuses();
    await waitUntil('the lease has run out', () => performance.now() - stoppedAt > 1.5 * LEASE_TTL_MS);
  } finally {
    process.kill(stack.redisServer.pid, 'SIGCONT');
  }
  await waitUntil('the gateway is ready', isReady);
  await untilConnection(stack.url, DEVICE, 'connected');
  assertSent((await send()).answer);
  assert.equal(stack.simulator.stats().logins, logins);
  await assertNothingLeft(stack, DEVICE);
});

test('Redis forgets its last moments, and then the worker dies: the ratchet has not gone back for the next one', async () => {
  assertSent((await send()).answer);
  await assertNothingLeft(stack, DEVICE);
  const file = await findAppendOnlyFile();
  const { size } = await stat(file);
  const forgotten = assertSent((await send()).answer);
  await friend.waitFor(({ id }) => id === forgotten);
  await assertNothingLeft(stack, DEVICE);
  const ratchets = async () => {
    const sessions = await stack.redis.hgetall(`postern:{${DEVICE}}:signal:session`);
    return Object.fromEntries(Object.entries(sessions).map(([id, session]) => [id, sha256(Buffer.from(session))]));
  };
  const restartsSeen = () => stack.worker.logged('redis was restarted').length;
  const [newest, seen] = [await ratchets(), restartsSeen()];
  await killAndForget(file, size);
  await waitUntil('the gateway is ready', isReady);
  await waitUntil('the worker has seen it', () => restartsSeen() > seen);
  assert.deepEqual(await ratchets(), newest);
  stack.worker.kill('SIGKILL');
  await stack.startWorker();
  const { answer, image } = await send();
  const received = await friend.waitFor(({ id }) => id === assertSent(answer));
  assert.deepEqual([received.sha256, received.error], [sha256(image), undefined]);
});

test('Redis answers reads but takes no writes: QUEUE_UNAVAILABLE, and nothing is sent later', async () => {
  await stack.redis.client('PAUSE', 1_500, 'WRITE');
  const { result, elapsedMs } = await timed(send());
  const { answer } = result;
  assert.deepEqual([answer.status, answer.code], [503, 'QUEUE_UNAVAILABLE']);
  assert.ok(elapsedMs < 1_500, `answered after ${Math.round(elapsedMs)} ms`);
  // Takes a write, so it waits for the end of the pause.
  await stack.redis.set('paused', 'no longer');
  assert.deepEqual(await stack.leftovers(DEVICE), { waiting: 0, active: 0, jobs: 0, files: 0 });
  assertSent((await send()).answer);
});
