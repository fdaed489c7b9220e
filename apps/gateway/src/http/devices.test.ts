import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CommandResult, type DeviceCommand, Failure } from '@postern/contract';
import { createPairingQrs, toFailureRecord } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { startWorkerDouble, type WorkerDouble } from '../testing/worker-double.ts';

const QR = '2@ref,noise,identity,secret';
let tested: GatewayUnderTest;
let worker: WorkerDouble;
let onCommand: (command: DeviceCommand) => Promise<Partial<CommandResult> | undefined>;

before(async () => {
  tested = await startGatewayUnderTest();
  await tested.addDevice('fresh', { state: 'unpaired' }, null);
  worker = await startWorkerDouble(tested, { deviceId: 'fresh', onCommand: (command) => onCommand(command) });
});
after(async () => {
  await worker.stop();
  await tested.stop();
});

async function call(method: string, path: string, body?: unknown) {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await fetch(`${tested.url}${path}`, { method, ...init });
  const json = (await response.json()) as { code: string; message: string; results: Record<string, unknown> };
  return { status: response.status, ...json };
}

const showQr = async (command: DeviceCommand) => {
  await createPairingQrs(tested.redis, tested.keys).show(command.device_id, QR, 20_000);
  return {};
};

test('a device is added with a name or a generated id, once', async () => {
  const named = await call('POST', '/devices', { device_id: 'my-device' });
  assert.equal(named.status, 200);
  assert.equal(named.results['id'], 'my-device');
  assert.equal(named.results['state'], 'disconnected');
  assert.equal((named.results['connection'] as { state: string }).state, 'unpaired');
  const generated = await call('POST', '/devices');
  assert.match(String(generated.results['device_id']), /^[0-9a-f-]{36}$/);
  const again = await call('POST', '/devices', { device_id: 'my-device' });
  assert.deepEqual([again.status, again.code], [409, 'DEVICE_ALREADY_EXISTS']);
  for (const device_id of ['with space', 'a/b', 'ü', 'x'.repeat(65), 7]) {
    const refused = await call('POST', '/devices', { device_id });
    assert.deepEqual([refused.status, refused.code], [400, 'VALIDATION_ERROR']);
  }
});

test('devices are listed and shown with GoWA words and our own', async () => {
  await tested.addDevice('linked');
  const { results } = await call('GET', '/devices/linked');
  assert.equal(results['state'], 'logged_in');
  assert.equal(results['phone_number'], '62811600000');
  const status = await call('GET', '/devices/linked/status');
  assert.equal(status.results['is_connected'], true);
  assert.equal(status.results['is_logged_in'], true);
  const list = (await call('GET', '/devices')).results as unknown as { id: string }[];
  assert.ok(list.some(({ id }) => id === 'linked'));
  const missing = await call('GET', '/devices/nobody');
  assert.deepEqual([missing.status, missing.code, missing.results['device_id']], [404, 'DEVICE_NOT_FOUND', 'nobody']);
});

test('login asks the owner, and links to a picture of the QR that needs no key and no change', async () => {
  onCommand = showQr;
  const login = await call('GET', '/devices/fresh/login');
  assert.equal(login.status, 200);
  assert.equal(login.results['qr'], QR);
  assert.ok(Number(login.results['qr_duration']) > 0);
  const link = String(login.results['qr_link']);
  assert.ok(link.startsWith(`${tested.url}/devices/fresh/login/qr.png?`));
  const picture = await fetch(link);
  assert.equal(picture.headers.get('content-type'), 'image/png');
  const bytes = Buffer.from(await picture.arrayBuffer());
  assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
  for (const broken of [link.replace(/expires=\d/, 'expires=9'), link.replace('fresh', 'linked'), link.slice(0, -2)]) {
    assert.equal((await fetch(broken)).status, 404);
  }
  assert.deepEqual(
    worker.commands.map(({ name }) => name),
    ['login'],
  );
});

test('a paired device is not paired again', async () => {
  for (const [method, path] of [
    ['GET', '/devices/linked/login'],
    ['GET', '/devices/linked/login/stream'],
    ['POST', '/devices/linked/login/code?phone=628123456789'],
  ] as const) {
    const answer = await call(method, path);
    assert.deepEqual([answer.status, answer.code], [409, 'ALREADY_LOGGED_IN']);
  }
});

test('a pairing code comes from the owner, for a number that is checked', async () => {
  onCommand = ({ phone }) => Promise.resolve({ results: { pair_code: phone === '628123456789' ? 'ABCD1234' : '' } });
  const answer = await call('POST', '/devices/fresh/login/code?phone=%2B62%20812-3456-789');
  assert.deepEqual(answer.results, { device_id: 'fresh', pair_code: 'ABCD1234' });
  for (const query of ['', '?phone=0812', '?phone=abc']) {
    const refused = await call('POST', `/devices/fresh/login/code${query}`);
    assert.deepEqual([refused.status, refused.code], [400, 'VALIDATION_ERROR']);
  }
});

test('what the owner cannot do is answered with its failure', async () => {
  const failure = toFailureRecord(new Failure('DEVICE_NOT_CONNECTED', 'WhatsApp cannot be reached'));
  onCommand = () => Promise.resolve({ outcome: 'failed', failure });
  const answer = await call('POST', '/devices/fresh/reconnect');
  assert.deepEqual([answer.status, answer.code, answer.message], [500, failure.code, failure.message]);
});

test('logout, reconnect and delete go to the owner, and a device that changed hands is followed', async () => {
  let refusals = 1;
  onCommand = () => {
    refusals -= 1;
    return Promise.resolve(refusals >= 0 ? { outcome: 'not_owner' } : {});
  };
  assert.equal((await call('POST', '/devices/fresh/logout')).status, 200);
  assert.equal((await call('POST', '/devices/fresh/reconnect')).status, 200);
  assert.equal((await call('DELETE', '/devices/fresh')).status, 200);
  assert.deepEqual(
    worker.commands.slice(-4).map(({ name }) => name),
    ['logout', 'logout', 'reconnect', 'delete'],
  );
});

test('a command without a worker is NO_WORKER after ten seconds, and one whose worker appears is done', async () => {
  const lease = tested.keys.device('fresh').lease;
  await tested.redis.del(lease);
  onCommand = () => Promise.resolve({});
  const startedMs = performance.now();
  const late = call('POST', '/devices/fresh/reconnect');
  const never = call('POST', '/devices/my-device/reconnect');
  const shown = (await call('GET', '/devices/fresh')).results['connection'];
  assert.equal((shown as { state: string }).state, 'unpaired');
  await tested.redis.set(lease, 'worker-1#2');
  assert.equal((await late).status, 200);
  assert.ok(performance.now() - startedMs < 2_000);
  const answer = await never;
  assert.deepEqual([answer.status, answer.code], [503, 'NO_WORKER']);
  assert.ok(performance.now() - startedMs > 9_000);
});

test('the login stream tells each fresh QR and the end', async () => {
  onCommand = showQr;
  const response = await fetch(`${tested.url}/devices/fresh/login/stream`);
  assert.match(String(response.headers.get('content-type')), /^text\/event-stream/);
  const events: string[] = [];
  let text = '';
  const qrs = createPairingQrs(tested.redis, tested.keys);
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const whole = text.split('\n\n');
    text = whole.pop() ?? '';
    for (const event of whole) {
      events.push(event);
      if (events.length === 1) await qrs.show('fresh', 'second', 20_000);
      if (events.length === 2)
        await tested.redis.hset(tested.keys.device('fresh').record, 'jid', '62811:1@s.whatsapp.net');
    }
  }
  const parsed = events.map((event) => {
    const [, name, json] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
    return { name, data: JSON.parse(json ?? '{}') as Record<string, unknown> };
  });
  assert.deepEqual(
    parsed.map(({ name, data }) => [name, data['qr'] ?? data['jid']]),
    [
      ['qr', QR],
      ['qr', 'second'],
      ['paired', '62811:1@s.whatsapp.net'],
    ],
  );
  assert.ok(Number(parsed[0]?.data['expires_in']) > 10);
});

test('the login stream of a pairing that ends without a scan says why', async () => {
  const { record } = tested.keys.device('fresh');
  const { redis } = tested;
  await redis.hdel(record, 'jid');
  onCommand = async (command) => {
    const unpaired = { state: 'unpaired', since: Date.now(), reason: 'the QR was not scanned in time' };
    await redis.hset(record, 'connection', JSON.stringify(unpaired));
    await createPairingQrs(redis, tested.keys).show(command.device_id, 'short', 400);
    return {};
  };
  const response = await fetch(`${tested.url}/devices/fresh/login/stream`);
  assert.match(await response.text(), /event: failed\ndata: {"message":"the QR was not scanned in time"}/);
});

test('no log line holds a QR or a whole number', async () => {
  const log = tested.logLines().join('\n');
  for (const secret of [QR, 'ABCD1234', '628123456789']) assert.ok(!log.includes(secret), secret);
});

test('an owner that lets go of the device before it answers is still heard', async () => {
  const lease = tested.keys.device('fresh').lease;
  onCommand = async () => {
    await tested.redis.del(lease);
    await delay(600);
    return {};
  };
  const commandsBefore = worker.commands.length;
  assert.equal((await call('DELETE', '/devices/fresh')).status, 200);
  assert.equal(worker.commands.length, commandsBefore + 1);
});
