import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { DEFAULT_CONNECTION_CONFIG } from '@whiskeysockets/baileys';
import { WebSocketClient } from '@whiskeysockets/baileys/lib/Socket/Client/index.js';
import { describeNetworkCause, describeRefusedUpgrade } from './network-cause.ts';

/** What Baileys' own WebSocket makes of this address. */
async function causeOf(url: string): Promise<string> {
  const client = new WebSocketClient(new URL(url), DEFAULT_CONNECTION_CONFIG);
  const { promise, resolve } = Promise.withResolvers<Error>();
  client.on('error', resolve);
  client.connect();
  const error = await promise;
  return describeNetworkCause(error.message, error);
}

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a port where nobody listens, and a name that nobody has', async () => {
  assert.match(await causeOf('ws://127.0.0.1:9/'), /the connection was refused: .* \(ECONNREFUSED\)/);
  assert.match(
    await causeOf('ws://nowhere.invalid/'),
    /name (was not found|could not be looked up): .*\((ENOTFOUND|EAI_AGAIN)\)/,
  );
});

test('a name with several addresses that all refuse', async () => {
  assert.match(await causeOf('ws://localhost:9/'), /the connection was refused: .* \(ECONNREFUSED\)/);
});

test('a server that resets', async (t) => {
  const resetting = await listen(
    t,
    createServer((socket) => socket.on('error', () => {}).resetAndDestroy()),
  );
  assert.match(await causeOf(`ws://${resetting}/`), /the connection was reset: .* \(ECONNRESET\)/);
});

test('TLS to a server that speaks none', async (t) => {
  const plain = await listen(t, createHttpServer());
  assert.match(await causeOf(`wss://${plain}/`), /does not speak TLS: .*\(\w+\)/);
});

test('a proxy that asks for credentials, and a portal', () => {
  assert.equal(describeRefusedUpgrade(407), 'a proxy asks for credentials (HTTP 407)');
  assert.match(describeRefusedUpgrade(302), /refused with HTTP 302: by a proxy or portal/);
});

test('certificates of an unknown authority, by each name that Node has for them', () => {
  for (const code of [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ]) {
    const cause = describeNetworkCause('no', Object.assign(new Error('no'), { code }));
    assert.match(cause, /certificate is not trusted: .*NODE_EXTRA_CA_CERTS/);
    assert.ok(cause.endsWith(`(${code})`));
  }
});

test('what is not known keeps its code, and nothing else of its text', () => {
  const odd = Object.assign(new Error('at 10.1.2.3:443'), { code: 'EODD' });
  assert.equal(describeNetworkCause(odd.message, odd), 'the connection could not be opened or broke (EODD)');
  assert.equal(describeNetworkCause('odd', undefined), 'the connection could not be opened or broke');
});
