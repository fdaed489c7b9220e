import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, maskNumber } from './logger.ts';

test('whole numbers are masked to their last four digits', () => {
  assert.equal(maskNumber('6281234567890@s.whatsapp.net'), '…7890@s.whatsapp.net');
  assert.equal(maskNumber('my-device-1'), 'my-device-1');
});

test('a logged error keeps its code and causes, and no whole number or other field', () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 't', level: 'info', destination: { write: (line) => lines.push(line) } });
  const cause = Object.assign(new Error('no session for 6281234567890:1'), { key: 'secret' });
  logger.warn({ err: new Error('refused', { cause }) }, 'message failed');
  const [line] = lines;
  assert.ok(line);
  assert.match(line, /"message":"refused"/);
  assert.match(line, /no session for …7890:1/);
  assert.doesNotMatch(line, /6281234567890|secret/);
});
