import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureRecovery } from './measure-recovery.ts';
import type { Sending } from './sending.ts';
import type { LetGo, Outage } from './witness.ts';

const jids = new Map([['shop', 'jid']]);
const killed = (at: number): LetGo => ({ how: 'killed', devices: ['shop'], at });
const opened = (at: number) => ({ type: 'opened' as const, device: 'jid', socket: at, at });
const acked = (id: string, at: number) => ({ id, device: 'jid', to: '', at, outcome: 'acked' as const, attempts: 1 });
const asked = (id: string, startedAt: number): Sending => ({
  key: id,
  device: 'shop',
  phone: '',
  sha256: '',
  startedAt,
  ids: [id],
  refusals: new Map(),
  requests: 1,
});

function measure(letGo: LetGo[], sockets: number[], acks: [string, number][], more: { outages?: Outage[] } = {}) {
  const stanzas = acks.map(([id, at]) => acked(id, at));
  const witness = { letGo, sockets: sockets.map(opened), stanzas, outages: more.outages ?? [], frozen: [] };
  return measureRecovery('killed', witness, jids, [asked('early', 0), asked('late', 900)]);
}

test('it lasts until the first message that WhatsApp took on a new connection', () => {
  assert.deepEqual(
    measure(
      [killed(100)],
      [50, 600],
      [
        ['early', 110],
        ['early', 700],
      ],
    ),
    { count: 1, p50: 600, max: 600 },
  );
});

test('time without Redis, and without anything to send, does not count', () => {
  assert.equal(measure([killed(100)], [600], [['early', 700]], { outages: [{ from: 50, to: 300 }] }).max, 400);
  assert.equal(measure([killed(100)], [600], [['late', 950]]).max, 550);
});

test('a device that lost its next worker too counts from there; one that sent no more does not count', () => {
  assert.deepEqual(measure([killed(100), killed(400)], [600], [['early', 700]]), { count: 1, p50: 300, max: 300 });
  assert.equal(measure([killed(100)], [600], []).count, 0);
});
