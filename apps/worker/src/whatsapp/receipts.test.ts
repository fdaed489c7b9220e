import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toReceipts } from './receipts.ts';

const OWN = ['628000000001:5@s.whatsapp.net', '900000000000001:5@lid'];
const receipt = (attrs: Record<string, string>, ids: string[] = []) => ({
  tag: 'receipt',
  attrs: { id: 'A1', from: '628111111111@s.whatsapp.net', t: '1700000000', ...attrs },
  ...(ids.length > 0 && {
    content: [{ tag: 'list', attrs: {}, content: ids.map((id) => ({ tag: 'item', attrs: { id } })) }],
  }),
});

test('a receipt without a type means delivered', () => {
  assert.deepEqual(toReceipts(receipt({}), OWN), [
    { messageId: 'A1', status: 'delivered', participant: undefined, at: 1_700_000_000_000 },
  ]);
});

test('read and played mean read, each id of the list once', () => {
  for (const type of ['read', 'played']) {
    const receipts = toReceipts(receipt({ type }, ['A2', 'A3']), OWN);
    assert.deepEqual(
      receipts.map(({ messageId, status }) => `${messageId} ${status}`),
      ['A1 read', 'A2 read', 'A3 read'],
    );
  }
});

test('in groups the participant is named without its device', () => {
  const [only] = toReceipts(
    receipt({ from: '120363000000000001@g.us', participant: '628111111111:3@s.whatsapp.net' }),
    OWN,
  );
  assert.equal(only?.participant, '628111111111@s.whatsapp.net');
});

test('retry, sender and other types are no receipts', () => {
  for (const type of ['retry', 'sender', 'inactive', 'peer_msg', 'server-error', 'read-self']) {
    assert.deepEqual(toReceipts(receipt({ type }), OWN), []);
  }
});

test('what our own devices report is no receipt, by number or by LID', () => {
  assert.deepEqual(toReceipts(receipt({ from: '628000000001:2@s.whatsapp.net' }), OWN), []);
  assert.deepEqual(toReceipts(receipt({ from: '900000000000001@lid' }), OWN), []);
});
