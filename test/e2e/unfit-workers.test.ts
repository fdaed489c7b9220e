import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request, untilConnection } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { assertSent } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICES = ['a', 'b', 'c'];
const NUMBER = '6281234567890';
const SECRET = 'the one that everybody has';
let stack: Stack;

before(async () => {
  stack = await startStack({
    workerEnv: {
      LEASE_TTL_MS: '2000',
      STATE_ENCRYPTION_KEY: SECRET,
      WHATSAPP_UNREACHABLE_MS: '1500',
      WORKER_ID: 'first',
    },
  });
  for (const [n, device] of DEVICES.entries()) await stack.pair(device, `628000000000${n}`);
  stack.simulator.addPhone({ number: NUMBER });
});
after(() => stack.stop());

const readOwner = async (device: string) => (await stack.redis.get(`postern:{${device}}:lease`))?.split('#')[0];

test('a worker that cannot reach WhatsApp lets its devices go to one that can, and says that it is not ready', async () => {
  const nowhere = 'ws://127.0.0.1:9/ws/chat';
  const cutOff = await stack.startWorker({ WORKER_ID: 'cut-off', WA_WEBSOCKET_URL: nowhere });
  await waitUntil('it has got a device', () => cutOff.logged('lease acquired').length > 0);
  await waitUntil(
    'it has let it go',
    () => cutOff.logged('lease released').length === cutOff.logged('lease acquired').length,
  );
  const readiness = await fetch(`http://127.0.0.1:${String(cutOff.ready['metrics_port'])}/readyz`);
  assert.equal(readiness.status, 503);
  assert.match(await readiness.text(), /WhatsApp cannot be reached from here/);
  for (const device of DEVICES) {
    await untilConnection(stack.url, device, 'connected');
    assert.equal(await readOwner(device), 'first');
    const image = await createPicture(1);
    assertSent(await sendImage(stack.url, device, { phone: NUMBER, image }));
  }
  // The others let nothing go for one that is not there.
  assert.deepEqual(await stack.redis.zrange('postern:workers', '0', '-1'), ['first']);
  assert.equal((await request(stack.url, 'GET', '/readyz')).status, 200);
});

test('a second worker under the same WORKER_ID does not start, and the first goes on', async () => {
  await assert.rejects(stack.startWorker(), /another worker runs under the WORKER_ID first/);
  assert.equal(await readOwner('a'), 'first');
});

test('a worker whose STATE_ENCRYPTION_KEY does not open what is stored does not start, and says why', async () => {
  const wrong = { WORKER_ID: 'second', STATE_ENCRYPTION_KEY: 'another one' };
  await assert.rejects(
    stack.startWorker(wrong),
    /encrypted with another STATE_ENCRYPTION_KEY.+Give every worker the same/,
  );
  // As after an upgrade from a version that kept no such value.
  await stack.redis.del('postern:state-key');
  await assert.rejects(stack.startWorker(wrong), /encrypted with another STATE_ENCRYPTION_KEY/);
  assert.equal(await stack.redis.exists('postern:state-key'), 0);
  await assert.rejects(
    stack.startWorker({ WORKER_ID: 'second', STATE_ENCRYPTION_KEY: '' }),
    /STATE_ENCRYPTION_KEY is not set/,
  );
});

test('a worker that was killed starts again under its id', async () => {
  stack.worker.kill('SIGKILL');
  await stack.worker.exited;
  await stack.startWorker();
  await untilConnection(stack.url, 'a', 'connected');
});
