import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stanzaTimeMs } from './stanza-time.ts';

const NOW = 1_700_000_000_900;

const TIMES: [t: string | undefined, at: number][] = [
  ['1700000000', 1_700_000_000_000],
  ['1700000005', 1_700_000_005_000],
  ['soon', NOW],
  ['', NOW],
  [undefined, NOW],
];
for (const [t, at] of TIMES) {
  test(`a stanza of the time ${JSON.stringify(t)} is of ${at}`, () => {
    assert.equal(stanzaTimeMs(t, NOW), at);
  });
}
