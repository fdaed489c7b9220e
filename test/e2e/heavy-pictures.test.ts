import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { createPicture } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, readMessage, untilState } from '../support/message-status.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { readMetric } from '../support/usage.ts';
import { waitUntil } from '../support/wait-until.ts';

const FRIEND = '6281234567890';
const skip = process.platform === 'linux' ? false : 'processes are found in /proc';
let stack: Stack;
let worker: ServiceProcess;

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '1000' } });
  worker = stack.worker;
  await stack.pair('shop', '6280000000001');
  await stack.pair('other', '6280000000002');
  stack.simulator.addPhone({ number: FRIEND });
});
after(() => stack.stop());

/** A picture that takes a second and 120 MB to prepare: too little for a process of its own. */
function slowPicture(background: string): Promise<Buffer> {
  const create = { width: 6000, height: 4600, channels: 4 as const, background };
  return sharp({ create }).png({ progressive: true }).toBuffer();
}

async function accept(image: Buffer, device = 'shop'): Promise<string> {
  const answer = await sendImage(stack.url, device, { phone: FRIEND, image }, { Prefer: 'respond-async' });
  assert.equal(answer.status, 202);
  return String(answer.results['message_id']);
}

const untilSettled = (messageId: string): Promise<Answer> =>
  waitUntil(`${messageId} has settled`, async () => {
    const told = await readMessage(stack.url, messageId);
    return !['queued', 'sending'].includes(String(told.results['state'])) && told;
  });

/** Sends a picture, kills the worker that has it in hand before anything is uploaded, and starts the next one. */
async function killWorkerOver(image: Buffer): Promise<string> {
  stack.simulator.faults.add({ kind: 'upload_hang', count: null });
  const messageId = await accept(image);
  await waitUntil('it is in hand', async () => (await stack.redis.hget(recordKey(messageId), 'starts')) === '1');
  worker.kill('SIGKILL');
  await worker.exited;
  stack.simulator.faults.clear();
  worker = await stack.startWorker();
  return messageId;
}

const recordKey = (messageId: string) => `postern:{shop}:message:${messageId}`;

/** The processes that the worker has started and that live. */
async function childrenOf({ pid }: ServiceProcess): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

test('a message whose worker died while preparing it is prepared apart from the next one, and sent', {
  skip,
}, async () => {
  const messageId = await killWorkerOver(await slowPicture('#c04020'));
  await waitUntil('it is prepared in a process of its own', async () => (await childrenOf(worker)).length === 1);
  await untilState(stack.url, messageId, 'delivered');
  await assertNothingLeft(stack, 'shop');
  assert.equal(await readMetric(worker, 'postern_pictures_quarantined_total'), 0);
});

test('a picture that kills whatever prepares it costs one worker, fails, and is touched no more', {
  skip,
}, async () => {
  const image = await slowPicture('#2040c0');
  const messageId = await killWorkerOver(image);
  const killed = new Set<number>();
  await waitUntil('both processes of its own are killed', async () => {
    for (const pid of await childrenOf(worker)) {
      if (!killed.has(pid)) process.kill(pid, 'SIGKILL');
      killed.add(pid);
    }
    return killed.size === 2;
  });
  const { results } = await untilSettled(messageId);
  const { code, reason } = results['error'] as Record<string, unknown>;
  assert.deepEqual(
    [results['state'], results['attempts'], code, reason],
    ['failed', 1, 'IMAGE_PROCESSING_FAILED', 'killed_process'],
  );
  assert.equal(await readMetric(worker, 'postern_pictures_quarantined_total'), 1);
  assert.equal(worker.logged('picture quarantined')[0]?.['message_id'], messageId);

  const again = await sendImage(stack.url, 'other', { phone: FRIEND, image });
  assert.deepEqual(
    [again.status, again.code, again.results['reason']],
    [500, 'IMAGE_PROCESSING_FAILED', 'quarantined'],
  );
  assertSent(await sendImage(stack.url, 'shop', { phone: FRIEND, image: await createPicture(1) }));
  await assertNothingLeft(stack, 'shop');
});

test('heavy pictures of one device do not hold up the small ones of another', async () => {
  const heavy = await sharp({ create: { width: 9000, height: 8000, channels: 3, background: '#308050' } })
    .jpeg({ progressive: true })
    .toBuffer();
  const accepted = [];
  for (const viewOnce of [1, 2, 3]) {
    // Bytes behind the end make it another picture.
    accepted.push(await accept(Buffer.concat([heavy, Buffer.alloc(viewOnce)])));
  }
  assertSent(await sendImage(stack.url, 'other', { phone: FRIEND, image: await createPicture(2) }));
  const { results } = await readMessage(stack.url, accepted[1]);
  assert.equal(results['state'], 'queued');
  for (const messageId of accepted) await untilState(stack.url, messageId, 'delivered');
});
