import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toClose } from './disconnects.ts';
import type { CloseReason } from './whatsapp.ts';

const boom = (statusCode: number, message = 'Stream Errored') =>
  Object.assign(new Error(message), { output: { statusCode } });

const CODES: [number, CloseReason][] = [
  [515, 'restart_required'],
  [401, 'logged_out'],
  [406, 'logged_out'],
  [440, 'replaced'],
  [403, 'forbidden'],
  [402, 'forbidden'],
  [405, 'connection_lost'],
  [408, 'connection_lost'],
  [411, 'connection_lost'],
  [428, 'connection_lost'],
  [500, 'connection_lost'],
  [503, 'connection_lost'],
];

for (const [code, reason] of CODES) {
  test(`a stream error ${code} closes the session as ${reason}`, () => {
    const close = toClose(boom(code), false);
    assert.equal(close.reason, reason);
    assert.equal(close.code, code);
    assert.notEqual(close.detail, '');
  });
}

test('a bare number such as 1006 is a lost connection', () => {
  assert.deepEqual([toClose(1006, false).reason, toClose(1006, false).code], ['connection_lost', 1006]);
});

for (const thrown of [undefined, null, 'text', new Error('x'), { output: {} }, { output: { statusCode: 'NaN' } }]) {
  test(`${JSON.stringify(thrown)} without a code is a lost connection`, () => {
    assert.deepEqual([toClose(thrown, false).reason, toClose(thrown, true).code], ['connection_lost', undefined]);
  });
}

test('an HTTP 401 or 403 of the upgrade neither logs out nor forbids', () => {
  for (const status of [401, 403, 503]) {
    const close = toClose(boom(status, `WebSocket Error (Unexpected server response: ${status})`), false);
    assert.deepEqual([close.reason, close.code], ['connection_lost', status]);
  }
});

test('used-up QR references and a false account signature end the pairing', () => {
  assert.equal(toClose(boom(408, 'QR refs attempts ended'), true).reason, 'pairing_ended');
  assert.equal(toClose(boom(500, 'Invalid account signature'), true).reason, 'pairing_ended');
  assert.equal(toClose(boom(500, 'Failed to verify account signature'), true).reason, 'pairing_ended');
  assert.equal(toClose(boom(408, 'Connection was lost'), true).reason, 'connection_lost');
});
