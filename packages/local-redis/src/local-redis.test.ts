import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { delay } from '@postern/runtime';
import { askRedis } from './ask-redis.ts';
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

test('nobody else of this machine reads what a local Redis with a password keeps', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'postern-private-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const directory = join(parent, 'with "odd" name');
  await mkdir(directory, { mode: 0o755 });
  const password = 'it is "secret" \\ here';
  const redis = await startLocalRedis({ directory, password });
  t.after(() => redis.stop());
  assert.match(await ask(redis.port, 'KEYS *'), /^-NOAUTH/);
  assert.equal(
    await askRedis(redis.port, ['SET', 'key', 'value'], decodeURIComponent(new URL(redis.url).password)),
    'OK',
  );
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  assert.ok(files.some((file) => file.includes('appendonly')));
  for (const file of files) assert.equal((await stat(file)).mode & 0o077, 0, file);
  if (process.platform === 'linux') {
    assert.doesNotMatch(await readFile(`/proc/${redis.pid}/cmdline`, 'utf8'), /secret/);
  }
});

test('two servers never work on one folder: a second start waits for the end of the first', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'postern-folder-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const first = await startLocalRedis({ directory, password: 'a' });
  const starting = startLocalRedis({ directory, password: 'b' });
  const winner = await Promise.race([starting.then(() => 'second'), first.stop().then(() => 'first ended')]);
  assert.equal(winner, 'first ended');
  const second = await starting;
  assert.equal(await askRedis(second.port, ['PING'], 'b'), 'PONG');
  await second.stop();
});
