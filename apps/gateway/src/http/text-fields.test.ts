import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Request } from 'express';
import { toFields } from './text-fields.ts';

const form = { get: () => 'application/x-www-form-urlencoded; charset=utf-8' } as unknown as Request;

test('a repeated field of a form is a list, in the order in which it came', () => {
  const fields = toFields(form, 'a=1&b=x%20y&a=2&a=3');
  assert.deepEqual(
    [...fields],
    [
      ['a', ['1', '2', '3']],
      ['b', 'x y'],
    ],
  );
});

test('a form of more than 320 fields is refused, of one name or of many', () => {
  for (const toName of [() => 'a', (n: number) => `a${n}`]) {
    const body = (count: number) => Array.from({ length: count }, (_, n) => `${toName(n)}=`).join('&');
    assert.ok(toFields(form, body(320)).size > 0);
    assert.throws(() => toFields(form, body(321)), /more than 320 fields/);
  }
});
