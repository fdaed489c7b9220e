import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMentions } from './field-values.ts';

test('mentions are read from a list, or from text with commas, each once', () => {
  assert.deepEqual(parseMentions(['+62 811-1111-111', 628_122_222_222], 'mentions'), ['628111111111', '628122222222']);
  assert.deepEqual(parseMentions('628111111111,,628122222222@s.whatsapp.net, 628111111111', 'mentions'), [
    '628111111111',
    '628122222222',
  ]);
});

test('too many mentions are refused before one of them is looked at', () => {
  const cases = [
    Array<string>(257).fill('nobody'),
    'nobody,'.repeat(257),
    Array<string>(300).fill('nobody,'.repeat(9_000)),
    'n'.repeat(64 * 1024),
  ];
  for (const mentions of cases) assert.throws(() => parseMentions(mentions, 'mentions'), /more than 256/);
});
