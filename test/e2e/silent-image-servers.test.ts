import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import type { Phone } from '@postern/simulator';
import { createPicture } from '../support/distinct-picture.ts';
import { untilState } from '../support/message-status.ts';
import { sendImage, sendImageJson } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const SILENT = 6;
const lifetime = new Lifetime();
let stack: Stack;
let friend: Phone;
let asked = 0;
let silentUrl = '';

before(async () => {
  const silent = createServer(() => {
    asked += 1;
  }).listen(0, '127.0.0.1');
  lifetime.use(silent, (server) => {
    server.closeAllConnections();
    server.close();
  });
  await waitUntil('the silent server listens', () => silent.listening);
  silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/a.jpg`;
  const workerEnv = { LANE_CONCURRENCY: '2', DOWNLOAD_TIMEOUT_MS: '10000', SEND_BACKOFF_MS: '10' };
  stack = lifetime.use(await startStack({ workerEnv }), (started) => started.stop());
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
});
after(() => lifetime.stop());

test('image_urls that never answer hold neither the device nor its other chats, and end after two tries', async () => {
  const later = { Prefer: 'respond-async' };
  const waiting: unknown[] = [];
  for (let n = 0; n < SILENT; n += 1) {
    const { number } = stack.simulator.addPhone({ number: `628123456800${n}` });
    const answer = await sendImageJson(stack.url, DEVICE, { phone: number, image_url: silentUrl }, later);
    waiting.push(answer.results['message_id']);
  }
  await waitUntil('all of them are being waited for, three times as many as there are slots', () => asked === SILENT);
  const upload = await sendImage(stack.url, DEVICE, { phone: friend.number, image: await createPicture(1) });
  assert.equal(upload.status, 200);
  assert.equal(asked, SILENT, 'it was sent while the others still waited for their first answer');

  // The third silence closes the host for a while: those that come back are told so without waiting for it again.
  const ended = await Promise.all(waiting.map((id) => untilFailed(id)));
  for (const { error, attempts } of ended) {
    assert.equal((error as { code: string }).code, 'IMAGE_DOWNLOAD_FAILED');
    assert.ok(Number(attempts) <= 3, String(attempts));
  }
  assert.ok(asked < 2 * SILENT, `the silent server was asked ${asked} times`);
});

async function untilFailed(messageId: unknown): Promise<Record<string, unknown>> {
  return await waitUntil(
    `${String(messageId)} has failed`,
    () => untilState(stack.url, messageId, 'failed').catch(() => false as const),
    60_000,
  );
}
