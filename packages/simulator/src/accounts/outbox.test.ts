import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { Outbox } from './outbox.ts';

const message: BinaryNode = { tag: 'message', attrs: { id: 'A', from: 'group@g.us', participant: '1@lid' } };
const receipt: BinaryNode = { tag: 'receipt', attrs: { id: 'A', from: '1@lid', type: 'read' } };

test('what is not acknowledged is late, oldest first', () => {
  const outbox = new Outbox();
  outbox.add(message);
  outbox.add(receipt);
  assert.deepEqual(
    [...outbox.late()].map(({ tag, attrs }) => [tag, attrs['offline']]),
    [
      ['message', '0'],
      ['receipt', '0'],
    ],
  );
});

test('a receipt or an ack settles exactly what it answers', () => {
  const outbox = new Outbox();
  outbox.add(message);
  outbox.add(receipt);
  outbox.settle({ tag: 'receipt', attrs: { id: 'A', to: 'group@g.us', participant: '2@lid' } });
  outbox.settle({ tag: 'ack', attrs: { id: 'A', class: 'receipt', to: '1@lid' } });
  assert.equal(outbox.size, 2);
  outbox.settle({ tag: 'receipt', attrs: { id: 'A', to: 'group@g.us', participant: '1@lid', type: 'inactive' } });
  outbox.settle({ tag: 'ack', attrs: { id: 'A', class: 'receipt', to: '1@lid', type: 'read' } });
  assert.equal(outbox.size, 0);
});

test('beyond 10,000 the oldest is dropped', () => {
  const outbox = new Outbox();
  for (let id = 0; id <= 10_000; id += 1) outbox.add({ tag: 'message', attrs: { id: String(id) } });
  const [first] = outbox.late();
  assert.deepEqual([outbox.size, first?.attrs['id']], [10_000, '1']);
});
