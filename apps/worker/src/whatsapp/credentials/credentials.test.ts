import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, LeaseLostError } from '@postern/registry';
import { Curve, initAuthCreds, type proto } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import { clearAuthentication, loadAuthentication } from './authentication.ts';
import { createOwnedWriter } from './owned-writer.ts';
import { RecentWrites } from './recent-writes.ts';
import { createSignalKeyStore } from './signal-key-store.ts';
import { createStateCipher, StateKeyError } from './state-cipher.ts';

const TOKEN = 'worker-1#1';
let server: LocalRedis;
let redis: Redis;
let devices = 0;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

/** The parts of one device; each call of `store` is another process that holds its lease. */
async function createDevice() {
  devices += 1;
  const device = createKeys('t').device(`device-${devices}`);
  await redis.set(device.lastHolder, TOKEN);
  const lost: string[] = [];
  const parts = (secret?: string) => {
    const onLeaseLost = () => lost.push('lost');
    const writer = createOwnedWriter({
      redis,
      lastHolderKey: device.lastHolder,
      leaseToken: TOKEN,
      recent: new RecentWrites(),
      onLeaseLost,
    });
    return { redis, device, writer, cipher: createStateCipher(secret) };
  };
  return { device, lost, parts, store: (secret?: string) => createSignalKeyStore(parts(secret)) };
}

for (const secret of [undefined, 'a passphrase']) {
  const how = secret === undefined ? 'plain' : 'encrypted';

  test(`every kind of Signal value comes back as it was (${how})`, async () => {
    const { store } = await createDevice();
    const values = {
      'pre-key': { '1': Curve.generateKeyPair(), '2': Curve.generateKeyPair() },
      session: { '628111.0': randomBytes(1700) },
      'sender-key-memory': { 'g@g.us': { a: true, b: false } },
      'lid-mapping': { '628111': '900', '900_reverse': '628111' },
      'device-list': { '628111': ['0', '12'] },
      tctoken: { '900@lid': { token: Buffer.from('t'), senderTimestamp: 5 } },
    };
    await store(secret).set(values);
    for (const reader of [store(secret)]) {
      for (const [type, expected] of Object.entries(values)) {
        const ids = Object.keys(expected);
        assert.deepEqual(await reader.get(type as never, [...ids, 'absent']), expected, type);
        assert.deepEqual(await reader.get(type as never, [...ids, 'absent']), expected, `${type} remembered`);
      }
    }
  });

  test(`credentials come back as they were (${how})`, async () => {
    const { parts } = await createDevice();
    const first = await loadAuthentication(parts(secret));
    assert.equal(first.isPaired(), false);
    Object.assign(first.state.creds, { me: { id: '6281:3@s.whatsapp.net', lid: '9:3@lid' }, account: {} });
    await first.save();
    const second = await loadAuthentication(parts(secret));
    assert.equal(second.isPaired(), true);
    assert.equal(JSON.stringify(second.state.creds), JSON.stringify(first.state.creds));
    assert.ok(Buffer.isBuffer(second.state.creds.noiseKey.private));
  });
}

test('an app state key comes back as the protobuf that Baileys expects', async () => {
  const { store } = await createDevice();
  const key: proto.Message.IAppStateSyncKeyData = { keyData: Buffer.from('k'), timestamp: 5 };
  await store().set({ 'app-state-sync-key': { a: key } });
  const { a } = await store().get('app-state-sync-key', ['a']);
  assert.deepEqual(Buffer.from(a?.keyData ?? ''), Buffer.from('k'));
  assert.equal(a?.constructor.name, 'AppStateSyncKeyData');
});

test('a value set to null is gone, here and for others', async () => {
  const { store } = await createDevice();
  const writer = store();
  await writer.set({ session: { a: randomBytes(3), b: randomBytes(3) } });
  await writer.get('session', ['a', 'b']);
  await writer.set({ session: { a: null } });
  assert.deepEqual(Object.keys(await writer.get('session', ['a', 'b'])), ['b']);
  assert.deepEqual(Object.keys(await store().get('session', ['a', 'b'])), ['b']);
});

test('a pairing that is not complete is not stored', async () => {
  const { parts, device } = await createDevice();
  const authentication = await loadAuthentication(parts());
  Object.assign(authentication.state.creds, { me: { id: '6281@s.whatsapp.net' }, pairingCode: 'ABCDEFGH' });
  await authentication.save();
  assert.equal(await redis.exists(device.credentials), 0);
});

test('another STATE_ENCRYPTION_KEY, or none, is a clear error and changes nothing', async () => {
  const { parts, device } = await createDevice();
  const authentication = await loadAuthentication(parts('right'));
  Object.assign(authentication.state.creds, { ...initAuthCreds(), me: { id: '1' }, account: {} });
  await authentication.save();
  const stored = await redis.hgetBuffer(device.credentials, 'creds');
  assert.ok(!stored?.includes('noiseKey'));
  const wrong = (message: RegExp) => (thrown: unknown) =>
    thrown instanceof StateKeyError && message.test(thrown.message);
  await assert.rejects(loadAuthentication(parts('wrong')), wrong(/another STATE_ENCRYPTION_KEY/));
  await assert.rejects(loadAuthentication(parts()), wrong(/STATE_ENCRYPTION_KEY is not set/));
  assert.deepEqual(await redis.hgetBuffer(device.credentials, 'creds'), stored);
});

test('what was stored before a key was set is read, and sealed when it is next written', async () => {
  const { store, device } = await createDevice();
  await store().set({ 'lid-mapping': { a: 'plain text' } });
  const sealing = store('key');
  assert.deepEqual(await sealing.get('lid-mapping', ['a']), { a: 'plain text' });
  await sealing.set({ 'lid-mapping': { a: 'plain text' } });
  assert.ok(!(await redis.hgetBuffer(device.signalKeys('lid-mapping'), 'a'))?.includes('plain text'));
});

test('a sealed value does not open in another place', () => {
  const cipher = createStateCipher('key');
  const sealed = cipher.seal(Buffer.from('x'), 'session/a');
  assert.throws(() => cipher.open(sealed, 'session/b'), StateKeyError);
});

test('without the lease nothing is written, and the loss is told once', async () => {
  const { store, device, lost } = await createDevice();
  const writer = store();
  await writer.set({ session: { a: randomBytes(3) } });
  await redis.set(device.lastHolder, 'worker-2#2');
  const untouched = await redis.hgetallBuffer(device.signalKeys('session'));
  for (let count = 0; count < 2; count += 1) {
    await assert.rejects(async () => await writer.set({ session: { a: null, b: randomBytes(3) } }), LeaseLostError);
  }
  assert.deepEqual(await redis.hgetallBuffer(device.signalKeys('session')), untouched);
  assert.deepEqual(lost, ['lost']);
});

test('a session that has ended writes no more, although it still holds the lease', async () => {
  const { parts, device } = await createDevice();
  const mine = parts();
  const keys = createSignalKeyStore(mine);
  mine.writer.stop();
  await assert.rejects(async () => await keys.set({ session: { a: randomBytes(3) } }), LeaseLostError);
  assert.equal(await redis.exists(device.signalKeys('session')), 0);
});

test("a pairing's 812 pre-keys are one write, and clearing leaves nothing", async () => {
  const { parts, device } = await createDevice();
  const mine = parts();
  const preKeys = Object.fromEntries(Array.from({ length: 812 }, (_, id) => [String(id), Curve.generateKeyPair()]));
  await createSignalKeyStore(mine).set({ 'pre-key': preKeys });
  assert.equal(await redis.hlen(device.signalKeys('pre-key')), 812);
  await clearAuthentication(device, mine.writer);
  assert.equal(await redis.exists(device.signalKeys('pre-key'), device.credentials), 0);
});
