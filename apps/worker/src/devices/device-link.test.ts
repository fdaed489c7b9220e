import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceRecord, Failure, type FailureCode } from '@postern/contract';
import { createLogger, delay } from '@postern/runtime';
import type { CloseReason, OpenOptions, Session, WhatsApp } from '../whatsapp/whatsapp.ts';
import type { Connection } from './connection.ts';
import { DeviceLink } from './device-link.ts';

const JID = '628111222333:7@s.whatsapp.net';
const signal = () => new AbortController().signal;

/** A WhatsApp whose sockets do what the test says; it keeps every one it opened. */
class ScriptedWhatsApp implements WhatsApp {
  readonly sockets: { options: OpenOptions; session: Session & { state: string }; closed: boolean }[] = [];
  forgotten = 0;

  async rewriteRecent(): Promise<void> {}

  canReach = async () => true;

  open(options: OpenOptions): Session {
    const ending = new AbortController();
    const socket = {
      options,
      closed: false,
      session: {
        signal: ending.signal,
        state: 'connecting' as 'connecting' | 'pairing',
        requestPairingCode: async () => {
          assert.equal(socket.session.state, 'pairing');
          return 'ABCD1234';
        },
        lookUp: () => Promise.reject(new Error('unused')),
        isOnWhatsApp: async () => true,
        knows: () => false,
        learn: async () => {},
        upload: () => Promise.reject(new Error('unused')),
        send: () => Promise.reject(new Error('unused')),
        logout: async () => {},
        close: async () => {
          socket.closed = true;
          ending.abort(new Failure('DEVICE_NOT_CONNECTED', 'closed'));
        },
      },
    };
    this.sockets.push(socket);
    return socket.session;
  }

  async forget(): Promise<void> {
    this.forgotten += 1;
  }

  get last() {
    const socket = this.sockets.at(-1);
    assert.ok(socket);
    return socket;
  }

  connect(): void {
    this.last.options.onEvent({ type: 'connected', jid: JID, lid: undefined });
  }

  drop(reason: CloseReason): void {
    this.last.options.onEvent({ type: 'closed', reason, code: undefined, detail: reason });
  }
}

const ALWAYS_THERE = { servedSince: (unixMs: number) => Date.now() - unixMs };

function createLink(record: Partial<DeviceRecord> = { jid: JID }, graceMs = 60_000, redisClock = ALWAYS_THERE) {
  const whatsapp = new ScriptedWhatsApp();
  const states: Connection['state'][] = [];
  const now = Date.now();
  const link = new DeviceLink(
    {
      deviceId: 'd',
      leaseToken: 'w#1',
      whatsapp,
      graceMs,
      redisClock,
      onChange: (connection) => states.push(connection.state),
      onSessionEvent: () => {},
      logger: createLogger({ name: 'test', level: 'silent' }),
    },
    { device_id: 'd', created_at: now, connection: { state: 'unpaired', since: now }, ...record },
  );
  link.start();
  return { link, whatsapp, states };
}

const hasCode = (code: FailureCode) => (error: unknown) => error instanceof Failure && error.code === code;

test('a paired device is connected at once, and whoever waits gets the session', async () => {
  const { link, whatsapp } = createLink();
  const waiting = link.session(signal());
  whatsapp.connect();
  assert.equal(await waiting, whatsapp.last.session);
  await link.stop();
  assert.ok(whatsapp.last.closed);
});

test('a message in hand waits for the device to come back, and gets the new session', async () => {
  const { link, whatsapp } = createLink();
  whatsapp.connect();
  whatsapp.drop('connection_lost');
  const waiting = link.session(signal());
  await link.reconnect();
  assert.equal(whatsapp.sockets.length, 2);
  whatsapp.connect();
  assert.equal(await waiting, whatsapp.last.session);
  await link.stop();
});

test('a device offline for longer than its grace fails what is in hand', async () => {
  const { link } = createLink({ jid: JID }, 20);
  await assert.rejects(link.session(signal()), hasCode('DEVICE_NOT_CONNECTED'));
  await link.stop();
});

test('the grace of an offline device does not run on while Redis is away', async () => {
  let servedMs = 0;
  const { link } = createLink({ jid: JID }, 20, { servedSince: () => servedMs });
  let isOver = false;
  const waiting = link.session(signal()).finally(() => {
    isOver = true;
  });
  await delay(150);
  assert.equal(isOver, false);
  servedMs = 21;
  await assert.rejects(waiting, hasCode('DEVICE_NOT_CONNECTED'));
  await link.stop();
});

test('an unpaired device fails what is in hand at once', async () => {
  const { link } = createLink({});
  await assert.rejects(link.session(signal()), hasCode('DEVICE_NOT_CONNECTED'));
  await link.stop();
});

test('an unlinked device loses its credentials and waits for a new login', async () => {
  const { link, whatsapp } = createLink();
  whatsapp.connect();
  const waiting = link.session(signal()).then(() => link.session(signal()));
  whatsapp.drop('logged_out');
  assert.equal(whatsapp.forgotten, 1);
  assert.equal(link.connection.state, 'logged_out');
  await assert.rejects(waiting, hasCode('DEVICE_NOT_CONNECTED'));
  link.login();
  assert.equal(link.connection.state, 'pairing');
  await link.stop();
});

test('a login goes through QR, pairing and restart to connected, on two sockets', async () => {
  const { link, whatsapp, states } = createLink({});
  link.login();
  assert.equal(link.login(), whatsapp.last.session);
  whatsapp.last.options.onEvent({ type: 'qr', qr: 'x', expiresInMs: 60_000 });
  whatsapp.last.options.onEvent({ type: 'paired', jid: JID, lid: undefined });
  whatsapp.drop('restart_required');
  whatsapp.connect();
  assert.equal(whatsapp.sockets.length, 2);
  assert.deepEqual(states, ['unpaired', 'pairing', 'pairing', 'connecting', 'connected']);
  assert.throws(() => link.login(), hasCode('ALREADY_LOGGED_IN'));
  await link.stop();
});

test('a pairing code is asked for once the login has offered its first QR', async () => {
  const { link, whatsapp } = createLink({});
  const code = link.pairingCode('628111222333', signal());
  const socket = whatsapp.last;
  socket.session.state = 'pairing';
  socket.options.onEvent({ type: 'qr', qr: 'x', expiresInMs: 60_000 });
  assert.equal(await code, 'ABCD1234');
  await link.stop();
});

test('a replaced device is not reconnected at once', async () => {
  const { link, whatsapp } = createLink();
  whatsapp.connect();
  whatsapp.drop('replaced');
  assert.equal(whatsapp.sockets.length, 1);
  assert.equal(link.connection.state, 'disconnected');
  await link.stop();
});

test('a device whose credentials are missing does not show a QR that nobody asked for', async () => {
  const { link, whatsapp } = createLink();
  whatsapp.last.options.onEvent({ type: 'qr', qr: 'x', expiresInMs: 60_000 });
  assert.equal(link.connection.state, 'logged_out');
  assert.ok(whatsapp.last.closed);
  await link.stop();
});

test('a former socket that still talks is not heard', async () => {
  const { link, whatsapp } = createLink();
  whatsapp.connect();
  const former = whatsapp.last;
  await link.reconnect();
  former.options.onEvent({ type: 'closed', reason: 'logged_out', code: 401, detail: 'late' });
  assert.equal(link.connection.state, 'connecting');
  await link.stop();
});

test('deleting a device fails what waits for it as DEVICE_DELETED', async () => {
  const { link, whatsapp } = createLink();
  const waiting = link.session(signal());
  await Promise.all([link.delete(), assert.rejects(waiting, hasCode('DEVICE_DELETED'))]);
  assert.equal(whatsapp.forgotten, 1);
  await link.stop();
});
