import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pickPort } from './pick-port.ts';

async function listen(t: TestContext, host: string): Promise<{ server: Server; port: number } | undefined> {
  const server = createServer().listen(0, host);
  const error = await Promise.race([once(server, 'listening').then(() => undefined), once(server, 'error')]);
  if (error) return undefined;
  t.after(() => server.close());
  return { server, port: (server.address() as { port: number }).port };
}

test('a free port is taken as it is', async () => {
  const port = await pickPort(0);
  assert.ok(port > 0);
  assert.equal(await pickPort(port), port);
});

for (const host of ['127.0.0.1', '::1']) {
  test(`a port somebody listens on at ${host} is replaced by a free one`, async (t) => {
    const other = await listen(t, host);
    if (!other) return t.skip(`this machine has no ${host}`);
    const port = await pickPort(other.port);
    assert.notEqual(port, other.port);
    assert.ok(port > 0);
  });
}
