import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys, readOwners } from '@postern/registry';
import sharp from 'sharp';
import { sendImage } from '../support/send-image.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICES = 40;
const PAIRED = 4;
const keys = createKeys('postern');
const names = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
let stack: Stack;
let image: Buffer;
const workers: ServiceProcess[] = [];

before(async () => {
  stack = await startStack({ workerEnv: { LEASE_TTL_MS: '3000' } });
  workers.push(stack.worker);
  for (let n = 0; n < PAIRED; n += 1) await stack.pair(`device-${n}`, `628000000000${n}`);
  stack.simulator.addPhone({ number: '6281234567890' });
  await Promise.all(
    names.slice(PAIRED).map((device_id) =>
      fetch(`${stack.url}/devices`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ device_id }),
      }),
    ),
  );
  image = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#369' } })
    .jpeg()
    .toBuffer();
});
after(() => stack.stop());

async function counts(): Promise<number[]> {
  const owners = await readOwners(stack.redis, keys, names);
  const tally = new Map<string, number>();
  for (const owner of owners) if (owner !== undefined) tally.set(owner, (tally.get(owner) ?? 0) + 1);
  return [...tally.values()].toSorted((a, b) => a - b);
}

const total = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0);
const send = (device: string) => sendImage(stack.url, device, { phone: '6281234567890', image });

async function assertAllSend(): Promise<void> {
  const answers = await Promise.all(names.slice(0, PAIRED).map(send));
  assert.deepEqual(
    answers.map((answer) => answer.status),
    answers.map(() => 200),
  );
}

test('one worker owns every device', async () => {
  await waitUntil('all owned', async () => total(await counts()) === DEVICES);
  await assertAllSend();
});

test('workers that join get their share, one device moved at a time, and every device still sends', async () => {
  workers.push(await stack.startWorker(), await stack.startWorker());
  const shares = await waitUntil(
    'three fair shares',
    async () => {
      const now = await counts();
      return now.length === 3 && (now[0] ?? 0) >= 13 && total(now) === DEVICES && now;
    },
    60_000,
  );
  assert.deepEqual(shares, [13, 13, 14]);
  await assertAllSend();
  const logins = stack.simulator.stats().logins;
  const connections = stack.simulator.connections().map((connection) => connection.device);
  assert.equal(new Set(connections).size, connections.length, 'a device is connected twice');
  assert.ok(logins > 0);
});

test('a worker that is asked to stop hands its devices over at once', async () => {
  const leaving = workers.pop();
  assert.ok(leaving);
  const started = Date.now();
  leaving.kill('SIGTERM');
  assert.equal(await leaving.exited, 0);
  await waitUntil('all owned', async () => total(await counts()) === DEVICES);
  await assertAllSend();
  console.log(`hand-over until every device sent again: ${Date.now() - started} ms`);
});

test('the devices of a worker that dies are owned and send again', async () => {
  const dying = workers.pop();
  assert.ok(dying);
  const started = Date.now();
  dying.kill('SIGKILL');
  await waitUntil(
    'one owner of all',
    async () => (await counts()).length === 1 && total(await counts()) === DEVICES,
    30_000,
  );
  await assertAllSend();
  console.log(`fail-over until every device sent again: ${Date.now() - started} ms (lease 3000 ms)`);
});
