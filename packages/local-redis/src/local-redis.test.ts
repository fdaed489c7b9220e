import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { delay } from '@postern/runtime';
import { startLocalRedis } from './local-redis.ts';

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed without an answer')));
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

test('a local Redis does not outlive a process that is killed', async () => {
  const index = fileURLToPath(new URL('./index.ts', import.meta.url));
  const script = `import { delay } from '@postern/runtime';
import { startLocalRedis } from ${JSON.stringify(index)};
    console.log((await startLocalRedis()).port); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  assert.match(await ask(port, 'PING'), /PONG/);
  owner.kill('SIGKILL');
  const deadline = Date.now() + 5_000;
  while (
    await ask(port, 'PING').then(
      () => true,
      () => false,
    )
  ) {
    assert.ok(Date.now() < deadline, 'Redis still answers');
    await delay(20);
  }
});
