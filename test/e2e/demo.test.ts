import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { startLocalRedis } from '@postern/local-redis';
import { Lifetime } from '@postern/runtime';
import { Redis } from 'ioredis';
import { createDataDirectory, type DemoProcess, startDemo } from '../support/demo-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const lifetime = new Lifetime();
after(() => lifetime.stop());

const run = promisify(execFile);
const HEX_SHA256 = /^[0-9a-f]{64}$/;
const BOUND_MS = 60_000;

async function untilUp(demo: DemoProcess): Promise<void> {
  await waitUntil('the demo is up', () => demo.stdout().includes('Ctrl-C stops everything'), BOUND_MS);
}

/** Nobody is left, and nothing of the run is left on disk. */
async function assertNothingLeft(demo: DemoProcess, directory: string): Promise<void> {
  assert.deepEqual(await demo.running(), []);
  assert.deepEqual(await readdir(directory), []);
}

test('--once --json prints one JSON line: what was sent is what the phone decrypted', async () => {
  const directory = await createDataDirectory(lifetime);
  const demo = startDemo(lifetime, 'demo', ['--once', '--json'], { DATA_DIR: directory });
  assert.deepEqual(await demo.exited, { code: 0, signal: null }, demo.stderr());
  assert.match(demo.stdout(), /^\{.*\}\n$/);
  const proof = JSON.parse(demo.stdout()) as {
    message_id: string;
    received: Record<string, unknown>;
    elapsed_ms: number;
  };
  const { sha256_sent, sha256_received, sha256_uploaded, ...rest } = proof.received;
  assert.match(proof.message_id, /^3EB0[0-9A-F]{18}$/);
  assert.match(String(sha256_sent), HEX_SHA256);
  assert.equal(sha256_sent, sha256_received);
  assert.match(String(sha256_uploaded), HEX_SHA256);
  assert.notEqual(sha256_uploaded, sha256_sent, 'the GPS data was removed');
  assert.deepEqual(rest, { width: 1280, height: 960, caption: 'Check out this amazing photo!', view_once: false });
  assert.ok(proof.elapsed_ms > 0);
  await assertNothingLeft(demo, directory);
});

test('while it is up, on another port than a taken one, the call it prints works; Ctrl-C leaves nothing', async () => {
  const directory = await createDataDirectory(lifetime);
  const squatter = createServer().listen(0, '127.0.0.1');
  lifetime.use(squatter, (server) => server.close());
  await waitUntil('the port is taken', () => squatter.listening);
  const port = (squatter.address() as { port: number }).port;
  const demo = startDemo(lifetime, 'demo', [], { DATA_DIR: directory, PORT: String(port) });
  await untilUp(demo);
  assert.match(demo.stdout(), new RegExp(`Port ${port} is taken; the gateway uses \\d+ instead`));
  const call = /^curl -X POST [\s\S]*?(?=\n\n)/m.exec(demo.stdout())?.[0] ?? '';
  assert.match(call, /-F "phone=6281234567890@s\.whatsapp\.net"/);
  const { stdout } = await run('sh', ['-c', `${call} -sS`]);
  assert.equal((JSON.parse(stdout) as { code: string }).code, 'SUCCESS', stdout);
  const phones = /phones' screens (http\S+)\//.exec(demo.stdout())?.[1] ?? '';
  const shown = await (await fetch(`${phones}/phones/6281234567890/messages`)).json();
  assert.equal((shown as { messages: unknown[] }).messages.length, 2);

  process.kill(demo.pid, 'SIGINT');
  assert.deepEqual(await demo.exited, { code: 0, signal: null }, demo.stderr());
  await assertNothingLeft(demo, directory);
});

test('in a Redis that is not its own it leaves no key behind', async () => {
  const directory = await createDataDirectory(lifetime);
  const redis = lifetime.use(await startLocalRedis(), (server) => server.stop());
  const demo = startDemo(lifetime, 'demo', ['--once'], { DATA_DIR: directory, REDIS_URL: redis.url });
  assert.deepEqual(await demo.exited, { code: 0, signal: null }, demo.stderr());
  const client = lifetime.use(new Redis(redis.url), (opened) => opened.disconnect());
  assert.deepEqual(await client.keys('*'), []);
  await assertNothingLeft(demo, directory);
});

test('interrupted while it starts, it stops what it has started', async () => {
  const directory = await createDataDirectory(lifetime);
  const demo = startDemo(lifetime, 'demo', [], { DATA_DIR: directory });
  await waitUntil('the simulator runs', () => demo.stdout().includes('A simulated WhatsApp runs'), BOUND_MS);
  process.kill(demo.pid, 'SIGTERM');
  assert.deepEqual(await demo.exited, { code: 130, signal: null }, demo.stderr());
  await assertNothingLeft(demo, directory);
});

test('when a part of it breaks, it says so with its last words, stops the others and exits with 1', async () => {
  const directory = await createDataDirectory(lifetime);
  const demo = startDemo(lifetime, 'demo', ['--once'], { DATA_DIR: directory, SYNC_WAIT_MS: 'soon' });
  assert.deepEqual(await demo.exited, { code: 1, signal: null });
  assert.match(demo.stderr(), /The gateway ended with code \d+\.[\s\S]*SYNC_WAIT_MS: expected a whole number/);
  await assertNothingLeft(demo, directory);
});

test('killed outright, it takes everything along', async () => {
  const directory = await createDataDirectory(lifetime);
  const demo = startDemo(lifetime, 'demo', [], { DATA_DIR: directory });
  await untilUp(demo);
  assert.ok((await demo.running()).length >= 5);
  process.kill(demo.pid, 'SIGKILL');
  assert.equal((await demo.exited).signal, 'SIGKILL');
  await waitUntil('nobody is left', async () => (await demo.running()).length === 0, 30_000);
});

test('an unknown option is answered with the usage', async () => {
  const directory = await createDataDirectory(lifetime);
  const demo = startDemo(lifetime, 'demo', ['--ones'], { DATA_DIR: directory });
  assert.equal((await demo.exited).code, 1);
  assert.match(demo.stderr(), /Usage: npm run demo/);
});
