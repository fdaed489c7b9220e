import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, type ConnectionEvent, next, toDeviceConnection } from './connection.ts';

const T0 = 1_000_000;
const NOW = 2_000_000;
const connected: Connection = { state: 'connected', since: T0, replacedAt: undefined };
const connecting: Connection = { state: 'connecting', since: T0, attempt: 3, offlineSince: T0, replacedAt: undefined };
const pairing: Connection = { state: 'pairing', since: T0, paired: false };
const closed = (reason: Extract<ConnectionEvent, { type: 'closed' }>['reason']): ConnectionEvent => ({
  type: 'closed',
  reason,
  detail: 'why',
});
const after = (state: Connection, event: ConnectionEvent) => next(state, event, NOW, () => 1);

const table: [string, Connection, ConnectionEvent, Partial<Connection>][] = [
  [
    'a lost connection is retried after a backoff',
    connected,
    closed('connection_lost'),
    { state: 'disconnected', attempt: 1, offlineSince: NOW, retryAt: NOW + 1000 },
  ],
  [
    'each failed attempt doubles the backoff',
    connecting,
    closed('connect_timeout'),
    { state: 'disconnected', attempt: 4, offlineSince: T0, retryAt: NOW + 8000 },
  ],
  [
    'a restart asked for by WhatsApp happens at once',
    { ...pairing, paired: true },
    closed('restart_required'),
    { state: 'connecting', attempt: 0 },
  ],
  [
    'a first replacement gets one delayed retry',
    connected,
    closed('replaced'),
    { state: 'disconnected', replacedAt: NOW, retryAt: NOW + 15_000 },
  ],
  [
    'a second replacement soon after is not fought',
    { ...connected, replacedAt: NOW - 60_000 },
    closed('replaced'),
    { state: 'disconnected', retryAt: undefined },
  ],
  [
    'a replacement long after the last one is retried',
    { ...connected, replacedAt: NOW - 3_600_000 },
    closed('replaced'),
    { state: 'disconnected', retryAt: NOW + 15_000 },
  ],
  ['an unlinked device is logged out', connected, closed('logged_out'), { state: 'logged_out', reason: 'why' }],
  [
    'a login that nobody completes leaves the device unpaired',
    pairing,
    closed('pairing_ended'),
    { state: 'unpaired', reason: 'why' },
  ],
  [
    'a login cut off before pairing leaves the device unpaired',
    pairing,
    closed('connection_lost'),
    { state: 'unpaired' },
  ],
  [
    'a connection cut off after pairing is retried',
    { ...pairing, paired: true },
    closed('connection_lost'),
    { state: 'disconnected' },
  ],
  [
    'a forbidden account is tried again only much later',
    connecting,
    closed('forbidden'),
    { state: 'disconnected', retryAt: NOW + 600_000 },
  ],
  [
    'a socket closed by us stays closed',
    connected,
    closed('closed_by_us'),
    { state: 'disconnected', retryAt: undefined },
  ],
  ['a success forgets the failed attempts', connecting, { type: 'connected' }, { state: 'connected', since: NOW }],
  [
    'a login of a logged-out device pairs anew',
    { state: 'logged_out', since: T0, reason: 'x' },
    { type: 'login' },
    { state: 'pairing', paired: false },
  ],
];

for (const [name, state, event, expected] of table) {
  test(name, () => {
    const actual = after(state, event);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual((actual as unknown as Record<string, unknown>)[key], value, key);
    }
  });
}

test('how long a device has been offline is told across retries', () => {
  const told = toDeviceConnection(after(after(connected, closed('connection_lost')), { type: 'connect' }), {
    owner: 'w',
    lastAckAt: 5,
    now: NOW + 9,
  });
  assert.deepEqual(told, { state: 'connecting', since: NOW, owner: 'w', last_ack_at: 5, connected_until: NOW });
});
