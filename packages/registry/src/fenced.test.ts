import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, disconnectRedis } from './connect.ts';
import { writeFenced } from './fenced.ts';
import { createKeys } from './keys.ts';
import { createLeases } from './leases.ts';

test('two writes of a key stay in order on a Redis that does not know their script until in between', async () => {
  const server = await startLocalRedis();
  const connect = () => connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  const [redis, observer] = await Promise.all([connect(), connect()]);
  const keys = createKeys('test');
  const { lastHolder, credentials } = keys.device('shop');
  const lease = await createLeases(redis, keys, { workerId: 'a', ttlMs: 60_000 }).acquire('shop');
  const write = (value: string) =>
    writeFenced(redis, lastHolder, lease?.token ?? '', [{ command: 'HSET', key: credentials, fields: [['c', value]] }]);
  // What Redis is given to run, so that it can be made to know it at the worst moment.
  const monitor = await observer.monitor();
  const seen = new Promise<string>((resolve) => {
    monitor.on('monitor', (_time: string, [name = '', lua = '']: string[]) => {
      if (name.toLowerCase() === 'eval' && lua.includes('unpack(arguments)')) resolve(lua.replaceAll('\\n', '\n'));
    });
  });
  await write('first');
  const lua = await seen;
  monitor.disconnect();
  await redis.script('FLUSH');
  const older = write('older');
  const loaded = redis.script('LOAD', lua);
  const newer = write('newer');
  await Promise.all([older, loaded, newer]);
  assert.equal(await redis.hget(credentials, 'c'), 'newer');
  for (const client of [redis, observer]) disconnectRedis(client);
  await server.stop();
});
