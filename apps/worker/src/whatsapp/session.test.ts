import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { connect, LEASE_TOKEN, link, sendTo, startBench, startLinked } from './linked-session.fixture.ts';

test('a device is paired by QR, asked to restart, and connects with what was stored', async (t) => {
  const bench = await startBench(t);
  const pairing = bench.open();
  assert.equal(pairing.session.state, 'connecting');
  const { qr, expiresInMs } = await pairing.until('qr');
  assert.equal(expiresInMs, 60_000);
  assert.equal(pairing.session.state, 'pairing');
  const { device } = await bench.own.scan(qr);
  const paired = await pairing.until('paired');
  assert.deepEqual([paired.jid, paired.lid !== undefined], [device, true]);
  const closed = await pairing.until('closed');
  assert.deepEqual([closed.reason, closed.code], ['restart_required', 515]);
  assert.deepEqual(
    pairing.events.map(({ type }) => type),
    ['qr', 'paired', 'closed'],
  );
  const opened = await connect(bench);
  assert.equal((await opened.until('connected')).jid, device);
  assert.equal(opened.session.state, 'connected');
  await opened.session.close();
  assert.equal((await opened.until('closed')).reason, 'closed_by_us');
  assert.ok(opened.session.signal.aborted);
});

test('a device is paired by code', async (t) => {
  const bench = await startBench(t);
  const pairing = bench.open();
  await assert.rejects(pairing.session.requestPairingCode(bench.own.number), { code: 'DEVICE_NOT_CONNECTED' });
  await pairing.until('qr');
  const code = await pairing.session.requestPairingCode(bench.own.number);
  assert.match(code, /^[0-9A-Z]{8}$/);
  await bench.own.linkByCode(code);
  assert.equal((await pairing.until('closed')).reason, 'restart_required');
  await connect(bench);
});

test('a pairing that was not completed leaves nothing that a later one trips over', async (t) => {
  const bench = await startBench(t);
  const abandoned = bench.open();
  await abandoned.until('qr');
  await abandoned.session.requestPairingCode(bench.own.number);
  await abandoned.session.close();
  await link(bench);
});

test('an image arrives whole, with everything that was said about it, and its receipts come back', async (t) => {
  const { friend, opened } = await startLinked(t, { simulator: { autoReceipts: 'read' } });
  const { message, image, relayed } = await sendTo(opened.session, friend.number, { caption: 'Halo' });
  const got = await friend.waitFor(({ id }) => id === message.messageId);
  assert.equal(got.error, undefined);
  assert.equal(got.sha256, image.sha256);
  assert.equal(got.sha256Uploaded, message.image.sha256Uploaded);
  assert.deepEqual(
    [got.caption, got.mimetype, got.width, got.height, got.fileLength, got.thumbnail?.toString()],
    ['Halo', 'image/jpeg', 640, 480, image.bytes.length, 'a small thumbnail'],
  );
  assert.deepEqual([got.viewOnce, got.forwarded, got.ephemeralSeconds, got.copies], [false, false, undefined, 1]);
  assert.equal(relayed, 1);
  const receipt = await opened.until('receipt');
  assert.deepEqual([receipt.messageId, receipt.participant], [message.messageId, undefined]);
});

test('the session of a device whose lease is lost closes, and writes nothing', async (t) => {
  const { redis, keys, friend, opened } = await startLinked(t);
  const device = keys.device('device-1');
  await redis.set(device.lastHolder, 'worker-other#2');
  const sending = sendTo(opened.session, friend.number, { messageId: '3EB0000000000000000001' });
  await assert.rejects(sending, { code: 'DEVICE_NOT_CONNECTED', retryable: true });
  assert.equal((await opened.until('closed')).reason, 'recycled');
  assert.equal(await redis.exists(device.content('3EB0000000000000000001')), 0);
  assert.deepEqual(friend.received, []);
});

test('logging out unlinks the device, and forgetting it leaves nothing in Redis', async (t) => {
  const bench = await startLinked(t);
  const { own, friend, redis, keys, opened, whatsapp } = bench;
  await sendTo(opened.session, friend.number);
  assert.equal(own.linked().length, 1);
  await opened.session.logout();
  assert.equal((await opened.until('closed')).reason, 'logged_out');
  assert.deepEqual(own.linked(), []);
  await whatsapp.forget('device-1', LEASE_TOKEN);
  const left = await redis.keys('t:*');
  const device = keys.device('device-1');
  assert.deepEqual(
    left.filter((key) => key !== device.lastHolder && !key.startsWith(device.lookup(''))),
    [],
  );
});

test('a device that is unlinked on the phone is logged out', async (t) => {
  const { simulator, own, opened } = await startLinked(t);
  simulator.unlink(own.linked()[0] ?? '');
  const { reason, code } = await opened.until('closed');
  assert.deepEqual([reason, code], ['logged_out', 401]);
});

test('a connection that another one replaced is told as that', async (t) => {
  const { simulator, own, opened } = await startLinked(t);
  simulator.closeDevice(own.linked()[0] ?? '', 440);
  const { reason, code } = await opened.until('closed');
  assert.deepEqual([reason, code], ['replaced', 440]);
});

test('a session that is closed while it connects ends once, and leaves no connection', async (t) => {
  const bench = await startLinked(t);
  await bench.opened.session.close();
  const opened = bench.open();
  await opened.session.close();
  await opened.session.close();
  assert.deepEqual(
    opened.events.map(({ type }) => type),
    ['closed'],
  );
  assert.deepEqual(bench.simulator.connections(), []);
});

test('credentials that this STATE_ENCRYPTION_KEY does not open end the session, and are kept', async (t) => {
  const bench = await startBench(t, { stateEncryptionKey: 'a key' });
  const first = await link(bench);
  await first.session.close();
  const { credentials } = bench.keys.device('device-1');
  const stored = await bench.redis.hgetallBuffer(credentials);
  const other = bench.open('device-1', bench.createWhatsApp({ stateEncryptionKey: 'another key' }));
  const closed = await other.until('closed');
  assert.deepEqual([closed.reason, /STATE_ENCRYPTION_KEY/.test(closed.detail)], ['connection_lost', true]);
  assert.deepEqual(await bench.redis.hgetallBuffer(credentials), stored);
  await connect(bench);
});

test('a socket outlives a Redis that refuses writes, and its credentials are stored once it takes them', async (t) => {
  const writes = new EventEmitter();
  const bench = await startLinked(t, { onKeyWrite: (_, ok) => writes.emit(ok ? 'taken' : 'refused') });
  await bench.opened.session.close();
  await bench.redis.config('SET', 'min-replicas-to-write', '1');
  const refused = once(writes, 'refused', { signal: AbortSignal.timeout(10_000) });
  // A login changes the credentials.
  const { session, events } = await connect(bench);
  await refused;
  const taken = once(writes, 'taken', { signal: AbortSignal.timeout(10_000) });
  await bench.redis.config('SET', 'min-replicas-to-write', '0');
  await taken;
  assert.equal(session.state, 'connected');
  assert.ok(events.every(({ type }) => type !== 'closed'));
});
