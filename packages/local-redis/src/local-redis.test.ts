import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startLocalRedis } from './local-redis.ts';

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
  });
}

test('a local Redis is durable, never evicts, and is gone after stop', async () => {
  const redis = await startLocalRedis();
  assert.match(await ask(redis.port, 'CONFIG GET appendonly'), /yes/);
  assert.match(await ask(redis.port, 'CONFIG GET maxmemory-policy'), /noeviction/);
  await redis.stop();
  await assert.rejects(ask(redis.port, 'PING'), /ECONNREFUSED/);
});

test('two local Redis servers do not meet', async () => {
  const [a, b] = await Promise.all([startLocalRedis(), startLocalRedis()]);
  assert.notEqual(a.port, b.port);
  await Promise.all([a.stop(), b.stop()]);
});
