import assert from 'node:assert/strict';
import { mkdir, rename, rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { scrape, total } from '../support/scrape.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const WAITING = 8;
let stack: Stack;
let friend: Phone;

before(async () => {
  // A single attempt and next to no budget: whatever used them up would end the messages.
  stack = await startStack({ workerEnv: { SEND_ATTEMPTS: '1', SEND_BUDGET_MS: '1000' } });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
});
after(() => stack.stop());

const setLane = (action: 'pause' | 'resume') => fetch(`${stack.url}/lanes/${DEVICE}/${action}`, { method: 'POST' });

async function send(seed: number, headers: Record<string, string> = {}): Promise<Answer> {
  return sendImage(stack.url, DEVICE, { phone: friend.number, image: await createPicture(seed) }, headers);
}

test('messages whose images are on a lost mount wait, and arrive once when it is back', async () => {
  await setLane('pause');
  const accepted: string[] = [];
  for (let seed = 0; seed < WAITING; seed += 1) {
    const answer = await send(seed, { Prefer: 'respond-async' });
    accepted.push(String(answer.results['message_id']));
  }
  const away = `${stack.blobDirectory}-away`;
  await rename(stack.blobDirectory, away);
  // What a lost mount leaves behind.
  await mkdir(stack.blobDirectory);
  await setLane('resume');
  await waitUntil('each has looked for its image twice', async () => {
    const families = await scrape(stack.worker);
    const looks = total(families, 'postern_attempts_failed_total', { code: 'STORAGE_UNAVAILABLE' });
    return (looks ?? 0) >= 2 * WAITING;
  });
  assert.equal((await send(100)).code, 'STORAGE_UNAVAILABLE');
  assert.deepEqual(friend.received, []);

  await rm(stack.blobDirectory, { recursive: true });
  await rename(away, stack.blobDirectory);
  await waitUntil('all have arrived', () => friend.received.length >= WAITING);
  assert.equal(friend.received.length, WAITING);
  assert.deepEqual(new Set(friend.received.map(({ id }) => id)), new Set(accepted));
  for (const messageId of accepted) {
    const record = await (await fetch(`${stack.url}/messages/${messageId}`)).json();
    const { attempts, error } = (record as { results: { attempts: number; error?: unknown } }).results;
    assert.deepEqual([attempts, error], [1, undefined]);
  }
});
