import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultBook } from './fault-book.ts';
import { faultSchema } from './fault-rule.ts';

const strikes = (book: FaultBook, times: number) =>
  Array.from({ length: times }, () => book.take('drop_ack') !== undefined);

test('a rule strikes once unless told otherwise, and keeps its hits', () => {
  const book = new FaultBook();
  book.add({ kind: 'drop_ack' });
  assert.deepEqual(strikes(book, 3), [true, false, false]);
  assert.deepEqual(book.list(), [{ id: 'f1', kind: 'drop_ack', hits: 1 }]);
});

test('skipped occasions pass unharmed before the strikes begin', () => {
  const book = new FaultBook();
  book.add({ kind: 'drop_ack', skip: 2, count: 2 });
  assert.deepEqual(strikes(book, 6), [false, false, true, true, false, false]);
});

test('a null count strikes until the rule is removed', () => {
  const book = new FaultBook();
  const id = book.add({ kind: 'drop_ack', count: null });
  assert.deepEqual(strikes(book, 3), [true, true, true]);
  assert.ok(book.remove(id));
  assert.equal(book.remove(id), false);
  assert.deepEqual(strikes(book, 1), [false]);
});

test('another kind or a filter that does not match neither strikes nor counts', () => {
  const book = new FaultBook();
  book.add({ kind: 'nack', messageId: 'A', error: 479 });
  assert.equal(book.take('drop_ack', { messageId: 'A' }), undefined);
  assert.equal(book.take('nack', { messageId: 'B' }), undefined);
  assert.equal(book.take('nack'), undefined);
  assert.equal(book.take('nack', { messageId: 'A' })?.error, 479);
});

test('a device is named by number, account or device JID', () => {
  const device = '628111:3@s.whatsapp.net';
  for (const name of ['628111', '628111@s.whatsapp.net', device]) {
    const book = new FaultBook();
    book.add({ kind: 'freeze', device: name });
    assert.ok(book.take('freeze', { device }), name);
  }
  for (const name of ['62811', '628111@lid', '628111:4@s.whatsapp.net']) {
    const book = new FaultBook();
    book.add({ kind: 'freeze', device: name });
    assert.equal(book.take('freeze', { device }), undefined, name);
  }
});

test('the recipient and the namespace narrow a rule', () => {
  const book = new FaultBook();
  book.add({ kind: 'nack', to: '628222' });
  book.add({ kind: 'iq_silence', xmlns: 'usync' });
  assert.equal(book.take('nack', { to: '628223@s.whatsapp.net' }), undefined);
  assert.ok(book.take('nack', { to: '628222@s.whatsapp.net' }));
  assert.equal(book.take('iq_silence', { xmlns: 'w:m' }), undefined);
  assert.ok(book.take('iq_silence', { xmlns: 'usync' }));
});

test('an occasion is offered to the next rule when the first one is spent', () => {
  const book = new FaultBook();
  book.add({ kind: 'nack', error: 463 });
  book.add({ kind: 'nack', error: 479 });
  assert.deepEqual(
    [1, 2, 3].map(() => book.take('nack')?.error),
    [463, 479, undefined],
  );
});

const draw = (seed: number) => {
  const book = new FaultBook(seed);
  book.add({ kind: 'drop_ack', probability: 0.25, count: null });
  return strikes(book, 4_000);
};

test('chance follows the seed and its rate', () => {
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  const rate = draw(7).filter(Boolean).length / 4_000;
  assert.ok(rate > 0.22 && rate < 0.28, `${rate}`);
});

test('spent rules make room for new ones, active ones are never dropped', () => {
  const book = new FaultBook();
  for (let i = 0; i < 1_000; i += 1) book.add({ kind: 'drop_ack' });
  assert.throws(() => book.add({ kind: 'drop_ack' }), RangeError);
  book.take('drop_ack');
  book.add({ kind: 'close' });
  assert.equal(book.list().length, 1_000);
  assert.equal(book.list()[0]?.id, 'f2');
  book.clear();
  assert.deepEqual(book.list(), []);
});

test('a misspelt field or an impossible value is refused', () => {
  assert.equal(faultSchema.safeParse({ kind: 'nack', message_id: 'A' }).success, false);
  assert.equal(faultSchema.safeParse({ kind: 'explode' }).success, false);
  assert.equal(faultSchema.safeParse({ kind: 'nack', count: 0 }).success, false);
  assert.equal(faultSchema.safeParse({ kind: 'nack', probability: 2 }).success, false);
  assert.ok(faultSchema.safeParse({ kind: 'nack', count: null, skip: 1, error: 463 }).success);
});
