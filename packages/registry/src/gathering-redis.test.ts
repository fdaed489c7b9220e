import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';

let server: LocalRedis;
let redis: Redis;
before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'fast', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

/** Counts how often the client writes to its socket while this runs. */
async function countWrites(work: () => Promise<unknown>): Promise<number> {
  const socket: Socket = Reflect.get(redis, 'stream');
  let writes = 0;
  for (const name of ['_write', '_writev'] as const) {
    const original = Reflect.get(socket, name) as (...args: unknown[]) => void;
    Reflect.set(socket, name, (...args: unknown[]) => {
      writes += 1;
      original.apply(socket, args);
    });
  }
  try {
    await work();
  } finally {
    Reflect.deleteProperty(socket, '_write');
    Reflect.deleteProperty(socket, '_writev');
  }
  return writes;
}

test('the commands of one turn are written together, answered in order, and wait for nothing', async () => {
  const turn = async () => {
    const first = redis.incr('n');
    const soon = Promise.resolve().then(() => redis.incr('n'));
    const others = Array.from({ length: 8 }, () => redis.incr('n'));
    // `soon` is asked for when the others have been, in the same turn.
    assert.deepEqual(await Promise.all([first, ...others, soon]), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  };
  assert.equal(await countWrites(turn), 1);
});

test('commands of two turns are two writes', async () => {
  const turns = async () => {
    const first = redis.get('n');
    await new Promise(setImmediate);
    await Promise.all([first, redis.get('n')]);
  };
  assert.equal(await countWrites(turns), 2);
});

test('a pipeline and a transaction go on as ever', async () => {
  const [[, set], [, got]] = (await redis.pipeline().set('k', 'v').get('k').exec()) as [[null, string], [null, string]];
  assert.deepEqual([set, got], ['OK', 'v']);
  assert.deepEqual(await redis.multi().incr('n').incr('n').exec(), [
    [null, 11],
    [null, 12],
  ]);
});

test('after a lost connection the new one is written to', async () => {
  const back = new Promise((resolve) => redis.once('ready', resolve));
  const socket: Socket = Reflect.get(redis, 'stream');
  socket.destroy();
  await back;
  assert.equal(await redis.get('n'), '12');
});
