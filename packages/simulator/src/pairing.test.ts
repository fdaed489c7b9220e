import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Curve } from '@whiskeysockets/baileys';
import {
  connectClient,
  createClientAuth,
  openClient,
  pairClient,
  statusOf,
  until,
  waitForUpdate,
} from './baileys-client.fixture.ts';
import { startSimulator } from './simulator.ts';

test('a QR links a client: 515, then it logs in, and again after a restart of its socket', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const auth = createClientAuth();
  const socket = connectClient(simulator, auth);
  const { qr = '' } = await waitForUpdate(socket, (update) => update.qr !== undefined);
  const closed = waitForUpdate(socket, ({ connection }) => connection === 'close');
  const { device } = await phone.scan(qr);
  assert.equal(statusOf(await closed), 515);
  assert.equal(auth.creds.me?.id, device);
  assert.deepEqual(phone.linked(), [device]);
  for (let login = 0; login < 2; login += 1) {
    const again = await openClient(simulator, auth);
    assert.equal(again.user?.id, device);
    assert.equal(again.user?.lid, `${phone.lid.split('@')[0]}:1@lid`);
    assert.deepEqual(
      simulator.connections().map((live) => live.device),
      [device],
    );
    await until(() => auth.creds.routingInfo !== undefined);
    await again.end(undefined);
  }
});

test('a QR with another secret is refused by the client, and one with other keys by the phone', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const socket = connectClient(simulator, createClientAuth());
  const { qr = '' } = await waitForUpdate(socket, (update) => update.qr !== undefined);
  const [ref = '', noise = '', identity = '', secret = ''] = qr.split(',');
  const other = Buffer.from(Curve.generateKeyPair().public).toString('base64');
  await assert.rejects(phone.scan([ref, other, identity, secret].join(',')), /other keys/);
  await assert.rejects(phone.scan(['2@nobody', noise, identity, secret].join(',')), /not known/);
  await assert.rejects(phone.scan([ref, noise, identity, other].join(',')), /closed the connection/);
  assert.deepEqual(phone.linked(), []);
});

test('a QR can be scanned only while it lives', async (t) => {
  const simulator = await startSimulator({ qrRefTtlMs: 0 });
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const socket = connectClient(simulator, createClientAuth());
  t.after(() => socket.end(undefined));
  const { qr = '' } = await waitForUpdate(socket, (update) => update.qr !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 2));
  await assert.rejects(phone.scan(qr), /expired/);
});

test('a pairing code links a client; a wrong one does not', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const other = simulator.addPhone({ number: '6281100000002' });
  const link = async (wrong?: string) => {
    const auth = createClientAuth();
    const socket = connectClient(simulator, auth);
    await waitForUpdate(socket, (update) => update.qr !== undefined);
    const closed = waitForUpdate(socket, ({ connection }) => connection === 'close');
    const code = await socket.requestPairingCode(phone.number);
    if (wrong) {
      await assert.rejects(other.linkByCode(code), /no client asked/);
      await assert.rejects(phone.linkByCode(wrong), /not the code/);
      await socket.end(undefined);
      return auth;
    }
    const { device } = await phone.linkByCode(code);
    assert.equal(statusOf(await closed), 515);
    assert.equal(auth.creds.me?.id, device);
    return auth;
  };
  await link('AAAAAAAA');
  assert.deepEqual(phone.linked(), []);
  const auth = await link();
  const socket = await openClient(simulator, auth);
  await socket.end(undefined);
});

test('a login with another noise key, or of an unlinked device, is refused by 401', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const auth = await pairClient(simulator, phone);
  const refusedBy = async (creds: typeof auth.creds) => {
    const socket = connectClient(simulator, { ...auth, creds });
    return statusOf(await waitForUpdate(socket, ({ connection }) => connection === 'close'));
  };
  assert.equal(await refusedBy({ ...auth.creds, noiseKey: Curve.generateKeyPair() }), 401);
  const socket = await openClient(simulator, auth);
  const closed = waitForUpdate(socket, ({ connection }) => connection === 'close');
  assert.equal(simulator.unlink(auth.creds.me?.id ?? ''), true);
  assert.equal(statusOf(await closed), 401);
  assert.equal(await refusedBy(auth.creds), 401);
  assert.deepEqual(phone.linked(), []);
});

test('a second login of a device closes the first by 440', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const auth = await pairClient(simulator, phone);
  const first = await openClient(simulator, auth);
  const closed = waitForUpdate(first, ({ connection }) => connection === 'close');
  const told: string[] = [];
  const { logins } = simulator.stats();
  simulator.onSocket(({ type, socket }) => told.push(`${type} ${socket - logins}`));
  const second = await openClient(simulator, auth);
  assert.equal(statusOf(await closed), 440);
  assert.equal(simulator.connections().length, 1);
  // The replaced one stays open until its socket really is closed.
  assert.deepEqual(told, ['opened 1', 'closed 0']);
  await second.end(undefined);
});

test('a client that logs out is unlinked', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const socket = await openClient(simulator, await pairClient(simulator, phone));
  await socket.logout();
  await until(() => phone.linked().length === 0);
});

test('issued credentials log in, send and receive without pairing', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const phone = simulator.addPhone({ number: '6281100000001' });
  const friend = simulator.addPhone({ number: '6281100000002' });
  const socket = await openClient(simulator, createClientAuth(simulator.issueCredentials(phone.number)));
  t.after(() => socket.end(undefined));
  await socket.sendMessage(friend.jid, { text: 'hello' });
  await friend.waitFor(({ caption }) => caption === 'hello');
  const answered = new Promise<string | null | undefined>((resolve) => {
    socket.ev.on('messages.upsert', ({ messages: [message] }) => resolve(message?.message?.extendedTextMessage?.text));
  });
  await friend.send(phone.number, { text: 'hello yourself' });
  assert.equal(await answered, 'hello yourself');
});
