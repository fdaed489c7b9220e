import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { createDataDirectory, type DemoProcess, startDemo } from '../support/demo-process.ts';
import { waitUntil } from '../support/wait-until.ts';

const lifetime = new Lifetime();
const DATA_DIR = await createDataDirectory(lifetime);
after(() => lifetime.stop());

const REFUSED = /the connection was refused: .* \(ECONNREFUSED\)/;

/** A port that nobody listens on any more. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await waitUntil('a port is found', () => probe.listening);
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Nothing listens on the discard port, as if there were no network. */
async function startOffline(port: number): Promise<DemoProcess> {
  const env = { DATA_DIR, PORT: String(port), METRICS_PORT: '0', WA_WEBSOCKET_URL: 'ws://127.0.0.1:9/ws/chat' };
  const started = startDemo(lifetime, 'start', [], env);
  await waitUntil('Postern runs', () => started.stderr().includes('Postern runs'), 60_000);
  return started;
}

async function stop(started: DemoProcess): Promise<void> {
  process.kill(started.pid, 'SIGINT');
  assert.deepEqual(await started.exited, { code: 0, signal: null }, started.stderr());
  assert.deepEqual(await started.running(), []);
}

test('without a network it starts, serves the page, says that the device is not connected, and keeps the device', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const first = await startOffline(port);
  assert.match(first.stderr(), new RegExp(`Link a phone at http://localhost:${port}/`));
  assert.match(await (await fetch(url)).text(), /<title>Postern<\/title>/);
  const added = await fetch(`${url}/devices`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"device_id":"kept"}',
  });
  assert.equal(added.status, 200);
  const login = await fetch(`${url}/devices/kept/login`);
  const refused = (await login.json()) as { code: string; message: string };
  assert.equal(refused.code, 'DEVICE_NOT_CONNECTED');
  assert.match(refused.message, REFUSED);
  await waitUntil('it is said', () => /Device kept is not connected \(\w+: .+\(ECONNREFUSED\)\)/.test(first.stderr()));
  assert.match(first.stdout(), REFUSED);
  await stop(first);

  const second = await startOffline(port);
  const { results } = (await (await fetch(`${url}/devices`)).json()) as { results: { device_id: string }[] };
  assert.deepEqual(
    results.map((device) => device.device_id),
    ['kept'],
  );
  await stop(second);
});

test('a second one in the same folder is refused, and the first goes on', async () => {
  const port = await freePort();
  const first = await startOffline(port);
  const second = startDemo(lifetime, 'start', [], { DATA_DIR, PORT: String(await freePort()) });
  assert.equal((await second.exited).code, 1);
  assert.match(second.stderr(), /DATA_DIR: Postern runs already in /);
  assert.doesNotMatch(second.stderr(), /Redis runs/);
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  await stop(first);
});

test('started again right after it was killed, it works on with the same folder', async () => {
  const first = await startOffline(await freePort());
  process.kill(first.pid, 'SIGKILL');
  await first.exited;
  const second = await startOffline(await freePort());
  const servers = (await first.running()).filter((command) => command.includes('redis-server'));
  assert.deepEqual(servers, [], 'its Redis ended before the next began');
  await stop(second);
  await waitUntil('nothing of the first is left', async () => (await first.running()).length === 0);
});

test('a taken port is named, and nothing is started', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  lifetime.use(squatter, (server) => server.close());
  await waitUntil('the port is taken', () => squatter.listening);
  const { port } = squatter.address() as { port: number };
  const started = startDemo(lifetime, 'start', [], { DATA_DIR, PORT: String(port) });
  assert.equal((await started.exited).code, 1);
  assert.match(started.stderr(), new RegExp(`PORT: ${port} is taken`));
  assert.deepEqual(await started.running(), []);
});
