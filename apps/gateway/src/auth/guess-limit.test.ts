import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGuessLimit } from './guess-limit.ts';

function startLimit() {
  const clock = { ms: 0 };
  const failures: string[] = [];
  const limit = createGuessLimit({ now: () => clock.ms, onFailure: (result) => failures.push(result) });
  const guess = (address: string, times: number) => {
    for (let n = 0; n < times; n += 1) limit.judge(address, undefined);
  };
  return { ...limit, clock, failures, guess };
}

test('thirty wrong attempts of an address are looked at, then one a second', () => {
  const { guess, judge, clock, failures } = startLimit();
  guess('192.0.2.1', 30);
  assert.throws(() => guess('192.0.2.1', 1), { code: 'RATE_LIMITED', retryAfterSeconds: 1 });
  assert.throws(() => judge('192.0.2.1', 'right'), { code: 'RATE_LIMITED' });
  assert.deepEqual(failures.slice(29), ['wrong', 'refused', 'refused']);
  clock.ms += 1_000;
  guess('::ffff:192.0.2.1', 1);
  assert.throws(() => guess('192.0.2.1', 1), { code: 'RATE_LIMITED' });
});

test('other addresses, and keys that were right from there before, are let in', () => {
  const { guess, judge } = startLimit();
  judge('192.0.2.1', 'known');
  guess('192.0.2.1', 30);
  judge('192.0.2.1', 'known');
  judge('192.0.2.2', 'other');
  guess('192.0.2.2', 1);
});

test('the addresses of one IPv6 network are one', () => {
  const { guess } = startLimit();
  for (let n = 0; n < 30; n += 1) guess(`2001:db8:1:2::${n}`, 1);
  assert.throws(() => guess('2001:db8:1:2:ffff::1', 1), { code: 'RATE_LIMITED' });
  guess('2001:db8:1:3::1', 1);
});
