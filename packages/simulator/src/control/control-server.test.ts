import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startSimulator } from '../simulator.ts';
import { control } from './control-client.fixture.ts';

async function setUp(t: TestContext) {
  const simulator = await startSimulator({ controlPort: 0 });
  t.after(() => simulator.stop());
  return { simulator, url: simulator.controlUrl ?? '' };
}

async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  return response;
}

test('phones are added, listed and refused when they exist or their number is none', async (t) => {
  const { url } = await setUp(t);
  const added = await control(url, 'POST', '/phones', { number: '6281111111111', name: 'Budi', companions: 1 });
  assert.equal(added.status, 201);
  assert.equal(added.json['jid'], '6281111111111@s.whatsapp.net');
  const listed = await control(url, 'GET', '/phones');
  assert.deepEqual(listed.json['phones'], [added.json]);
  assert.equal((await control(url, 'POST', '/phones', { number: '6281111111111' })).status, 409);
  const wrong = await control(url, 'POST', '/phones', { number: '0811', colour: 'red' });
  assert.equal(wrong.status, 400);
  assert.match(String(wrong.json['error']), /number: expected 7 to 15 digits.*colour/);
});

test('a group has members that are on the simulated WhatsApp', async (t) => {
  const { simulator, url } = await setUp(t);
  simulator.addPhone({ number: '6281111111111' });
  const members = ['6281111111111'];
  const added = await control(url, 'POST', '/groups', { subject: 'Market', members, ephemeralSeconds: 86_400 });
  assert.equal(added.status, 201);
  assert.deepEqual((await control(url, 'GET', '/groups')).json['groups'], [added.json]);
  const refused = await control(url, 'POST', '/groups', { subject: 'Market', members: ['6289999999999'] });
  assert.equal(refused.status, 422);
  assert.match(String(refused.json['error']), /6289999999999/);
});

test('fault rules are added, listed, removed and cleared', async (t) => {
  const { simulator, url } = await setUp(t);
  const { json } = await control(url, 'POST', '/faults', { kind: 'nack', error: 463, count: null });
  assert.deepEqual((await control(url, 'GET', '/faults')).json, {
    faults: [{ id: json['id'], kind: 'nack', error: 463, count: null, hits: 0 }],
  });
  assert.equal((await control(url, 'DELETE', `/faults/${String(json['id'])}`)).status, 204);
  assert.equal((await control(url, 'DELETE', `/faults/${String(json['id'])}`)).status, 404);
  simulator.faults.add({ kind: 'close' });
  assert.equal((await control(url, 'DELETE', '/faults')).status, 204);
  assert.deepEqual(simulator.faults.list(), []);
  assert.equal((await control(url, 'POST', '/faults', { kind: 'nack', mesageId: 'A' })).status, 400);
});

test('info says where clients find the simulated WhatsApp', async (t) => {
  const { simulator, url } = await setUp(t);
  const { webSocketUrl, noiseRootKey, mediaCertificatePath } = simulator;
  assert.deepEqual((await control(url, 'GET', '/info')).json, { webSocketUrl, noiseRootKey, mediaCertificatePath });
  assert.deepEqual((await control(url, 'GET', '/stats')).json, simulator.stats());
});

test('what is not there is a 404, another method a 405 that says which', async (t) => {
  const { simulator, url } = await setUp(t);
  simulator.addPhone({ number: '6281111111111' });
  assert.equal((await control(url, 'GET', '/nothing')).status, 404);
  assert.equal((await control(url, 'GET', '/phones/6289999999999/messages')).status, 404);
  assert.equal((await control(url, 'GET', '/phones/6281111111111/messages/ABC/image')).status, 404);
  assert.equal((await control(url, 'POST', '/connections/6281111111111%3A1%40s.whatsapp.net/close')).status, 404);
  assert.equal((await control(url, 'DELETE', '/devices/6281111111111%3A1%40s.whatsapp.net')).status, 404);
  const wrong = await control(url, 'DELETE', '/phones');
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'GET, POST');
});

test('a QR that no client shows is refused with the reason', async (t) => {
  const { simulator, url } = await setUp(t);
  simulator.addPhone({ number: '6281111111111' });
  const refused = await control(url, 'POST', '/phones/6281111111111/scan', { qr: '2@nothing,a,b,c' });
  assert.equal(refused.status, 422);
  assert.notEqual(refused.json['error'], '');
  assert.equal((await control(url, 'POST', '/phones/6281111111111/link-code', { code: 'x' })).status, 400);
});

test('other origins, other names for this address and other types than JSON are refused', async (t) => {
  const { url } = await setUp(t);
  const rebound = await answerOf(request(url, { headers: { Host: 'rebound.example' } }));
  assert.equal(rebound.statusCode, 403);
  const foreign = await answerOf(
    request(`${url}/faults`, { method: 'DELETE', headers: { Origin: 'http://a.example' } }),
  );
  assert.equal(foreign.statusCode, 403);
  const form = await fetch(`${url}/faults`, { method: 'POST', body: '{"kind":"close"}' });
  assert.equal(form.status, 415);
  const damaged = await fetch(`${url}/faults`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"kind":',
  });
  assert.equal(damaged.status, 400);
});

test('listeners are told of a change, and do not keep the server from stopping', async (t) => {
  const { simulator, url } = await setUp(t);
  const response = await fetch(`${url}/events`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
  assert.match(await next(), /^event: changed/);
  simulator.addPhone({ number: '6281111111111' });
  assert.match(await next(), /^event: changed/);
  await simulator.stop();
  assert.equal(await next().catch(() => ''), '');
});
