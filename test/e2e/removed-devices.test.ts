import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertNothingLeft, readMessage } from '../support/message-status.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const SENDS = 60;
const ROUNDS = 3;
let stack: Stack;
let friend: Phone;
let image: Buffer;

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '2000' } });
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await createPicture();
});
after(() => stack.stop());

const send = (deviceId: string, headers: Record<string, string> = {}) =>
  sendImage(stack.url, deviceId, { phone: friend.number, image }, headers);
const remove = (deviceId: string) => request(stack.url, 'DELETE', `/devices/${deviceId}`);
const keysOf = async (deviceId: string) =>
  (await stack.redis.keys(`postern:{${deviceId}}:*`)).filter((key) => !/:(message:.*|last-holder|lease)$/.test(key));

test('whatever is sent while its device is removed is refused or ends, and nothing of it waits for nobody', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const deviceId = `shop-${round}`;
    await stack.pair(deviceId, `628000000010${round}`);
    const sends: Promise<Answer>[] = [];
    let removed: Promise<Answer> | undefined;
    for (let n = 0; n < SENDS; n += 1) {
      sends.push(send(deviceId, n % 2 === 0 ? { Prefer: 'respond-async' } : {}));
      if (n === 10 + round * 15) {
        await Promise.race(sends);
        removed = remove(deviceId);
      }
    }
    assert.equal((await removed)?.status, 200);
    for (const { status, code, results } of await Promise.all(sends)) {
      if (status === 404) assert.equal(code, 'DEVICE_NOT_FOUND');
      else {
        const { results: message } = await readMessage(stack.url, results['message_id']);
        const { code: reason } = (message['error'] ?? {}) as { code?: string };
        if (message['state'] === 'failed') assert.match(String(reason), /^(DEVICE_DELETED|ACK_TIMEOUT)$/);
        else assert.match(String(message['state']), /^(sent|delivered|read)$/);
      }
    }
    await assertNothingLeft(stack, deviceId);
    assert.deepEqual(await keysOf(deviceId), []);
  }
});

test('a removal that is cut by the death of its worker is gone on with: the phone is unlinked and no key is left', async () => {
  const phone = await stack.pair('cut', '6280000000201');
  assert.equal((await send('cut')).status, 200);
  assert.equal(phone.linked().length, 1);
  // Unlinking is not answered for a while: in the middle of it the worker dies.
  const silence = stack.simulator.faults.add({ kind: 'iq_silence', xmlns: 'md', count: null });
  const cut = remove('cut');
  await waitUntil('it is being removed', async () => (await stack.redis.sismember('postern:removals', 'cut')) === 1);
  stack.worker.kill('SIGKILL');
  stack.simulator.faults.remove(silence);
  assert.equal((await request(stack.url, 'GET', '/devices/cut')).code, 'DEVICE_NOT_FOUND');
  assert.equal((await send('cut')).code, 'DEVICE_NOT_FOUND');
  const early = await request(stack.url, 'POST', '/devices', { device_id: 'cut' });
  assert.deepEqual([early.status, early.code], [409, 'DEVICE_ALREADY_EXISTS']);

  await stack.startWorker();
  await waitUntil('it is removed', async () => (await stack.redis.sismember('postern:removals', 'cut')) === 0);
  assert.deepEqual(phone.linked(), []);
  assert.deepEqual(await keysOf('cut'), []);
  assert.equal((await cut).status, 200, 'who asked is answered by the next owner');
  assert.equal((await request(stack.url, 'POST', '/devices', { device_id: 'cut' })).status, 200);
});
