import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { MessageRecord } from '@postern/contract';
import { createDirectoryBlobStore } from '@postern/media';
import { createLogger, delay } from '@postern/runtime';
import { startSweeper } from './sweeper.ts';

const record = (state: MessageRecord['state']): MessageRecord => ({
  message_id: 'x',
  device_id: 'd',
  phone: 'p',
  state,
  attempts: 0,
  created_at: 0,
  expires_at: 0,
});

test('only old blobs that no message waits for are swept, and dead uploads', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'postern-sweep-'));
  t.after(() => rm(directory, { recursive: true }));
  const blobs = createDirectoryBlobStore({ directory });
  await mkdir(join(directory, 'blobs'), { recursive: true });
  const old = new Date(Date.now() - 60_000);
  for (const name of [
    'blobs/queued',
    'blobs/sending',
    'blobs/sent',
    'blobs/kept',
    'blobs/failed',
    'blobs/absent',
    'incoming/dead',
  ]) {
    await writeFile(join(directory, name), 'x');
    await utimes(join(directory, name), old, old);
  }
  await writeFile(join(directory, 'blobs/young'), 'x');
  await writeFile(join(directory, 'incoming/alive'), 'x');
  const records: Record<string, MessageRecord> = {
    queued: record('queued'),
    sending: record('sending'),
    sent: record('sent'),
    kept: record('failed'),
    failed: record('failed'),
  };
  let swept = 0;
  let redisIsDown = true;
  const sweeper = startSweeper({
    blobs,
    assertOurs: () => Promise.resolve(),
    messages: {
      get: (id) => (redisIsDown ? Promise.reject(new Error('Command timed out')) : Promise.resolve(records[id])),
    },
    failedJobs: { isKept: (_deviceId, id) => Promise.resolve(id === 'kept') },
    graceMs: 30_000,
    intervalMs: 50,
    onSwept: (count) => {
      swept += count;
    },
    logger: createLogger({
      name: 'test',
      level: 'info',
      destination: new Writable({ write: (_c, _e, done) => done() }),
    }),
  });
  t.after(() => sweeper.stop());
  await delay(150);
  assert.equal((await readdir(join(directory, 'blobs'))).length, 7, 'nothing is touched while Redis cannot be asked');
  redisIsDown = false;
  const deadline = Date.now() + 5_000;
  while ((await readdir(join(directory, 'incoming'))).length > 1 && Date.now() < deadline) await delay(10);
  await sweeper.stop();
  assert.equal(swept, 4);
  assert.deepEqual((await readdir(join(directory, 'blobs'))).sort(), ['kept', 'queued', 'sending', 'young']);
  assert.deepEqual(await readdir(join(directory, 'incoming')), ['alive']);
});
