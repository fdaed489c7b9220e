import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { askRedis, type LocalRedis, type RedisRelay, startLocalRedis, startRedisRelay } from '@postern/local-redis';
import type { Phone } from '@postern/simulator';
import { request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const ACCEPTED_AGAIN_MS = 10_000;
let server: LocalRedis;
let next: LocalRedis | undefined;
let relay: RedisRelay;
let stack: Stack;
let friend: Phone;
let seeds = 0;

before(async () => {
  server = await startLocalRedis();
  relay = await startRedisRelay(server.port);
  stack = await startStack({ redisUrl: relay.url });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
});
afterEach(() => untilReady());
after(async () => {
  await stack.stop();
  await relay.stop();
  await Promise.all([server.stop(), next?.stop()]);
});

async function send(headers: Record<string, string> = {}) {
  seeds += 1;
  return sendImage(stack.url, DEVICE, { phone: friend.number, image: await createPicture(seeds) }, headers);
}

/** What keeps each service from working; empty when it says that it is ready. */
async function readProblems(): Promise<{ gateway: string; worker: string }> {
  const read = async (url: string) => {
    const answer = await fetch(`${url}/readyz`);
    const { message } = (await answer.json()) as { message: string };
    return answer.ok ? '' : message;
  };
  const workerUrl = `http://127.0.0.1:${String(stack.worker.ready['metrics_port'])}`;
  const [gateway, worker] = await Promise.all([read(stack.url), read(workerUrl)]);
  return { gateway, worker };
}

function untilReady(): Promise<boolean> {
  return waitUntil('both are ready', async () => {
    const { gateway, worker } = await readProblems();
    return gateway === '' && worker === '';
  });
}

/** Sends until a message arrives, and answers how long that took. */
async function untilSent(): Promise<number> {
  const startedMs = performance.now();
  await waitUntil('a message is sent', async () => {
    const { status, code } = await send();
    if (status !== 200) assert.equal(code, 'QUEUE_UNAVAILABLE');
    return status === 200;
  });
  return performance.now() - startedMs;
}

test('half-open connections of all processes: neither is ready, and messages are sent again within 10 s', async () => {
  const { logins } = stack.simulator.stats();
  assert.ok(relay.cutSilently(/postern-|worker-/) >= 4);
  const { gateway, worker } = await readProblems();
  assert.deepEqual([gateway, worker], ['redis: does not answer', 'redis: does not answer']);
  assert.ok((await untilSent()) < ACCEPTED_AGAIN_MS);
  assert.equal(stack.simulator.stats().logins, logins);
});

test('connections that become half-open under load: what was accepted is sent, and none is refused for good', async () => {
  const accepted: string[] = [];
  const over = new AbortController();
  const run = async () => {
    while (!over.signal.aborted) {
      const { status, code, results } = await send({ Prefer: 'respond-async, wait=0' });
      if (status === 202) accepted.push(String(results['message_id']));
      else assert.match(code, /^(QUEUE_UNAVAILABLE|ACCEPTANCE_UNKNOWN)$/);
    }
  };
  const running = Promise.all([run(), run()]);
  await waitUntil('there is load', () => accepted.length > 20);
  relay.cutSilently(/postern-|worker-/);
  const acceptedBefore = accepted.length;
  await waitUntil('messages are accepted again', () => accepted.length > acceptedBefore + 20);
  over.abort();
  await running;
  for (const id of accepted) await untilState(stack.url, id, 'delivered');
});

test('a half-open mailbox, of the worker or of the gateway, delays a command and does not fail it', async () => {
  for (const name of [/:mailbox$/, /gateway-mailbox$/]) {
    assert.equal(relay.cutSilently(name), 1);
    const answer = await request(stack.url, 'POST', `/devices/${DEVICE}/reconnect`);
    assert.equal(answer.status, 200, answer.message);
    await untilConnection(stack.url, DEVICE, 'connected');
  }
});

test('a master that became a replica behind one address: neither is ready, and within 10 s of the new one messages are sent', async () => {
  next = await startLocalRedis();
  await askRedis(next.port, ['REPLICAOF', '127.0.0.1', String(server.port)]);
  await waitUntil('it has everything', async () => (await askRedis(server.port, ['WAIT', '1', '1000'])) === '1');
  await askRedis(next.port, ['REPLICAOF', 'NO', 'ONE']);
  await askRedis(server.port, ['REPLICAOF', '127.0.0.1', String(next.port)]);
  await waitUntil('both know', async () => {
    const { gateway, worker } = await readProblems();
    return gateway !== '' && worker !== '';
  });
  const refused = await send();
  assert.deepEqual([refused.status, refused.code], [503, 'QUEUE_UNAVAILABLE']);
  relay.pointTo(next.port);
  assert.ok((await untilSent()) < ACCEPTED_AGAIN_MS);
});
