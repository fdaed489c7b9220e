import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskNumber } from './logger.ts';

test('whole numbers are masked to their last four digits', () => {
  assert.equal(maskNumber('6281234567890@s.whatsapp.net'), '…7890@s.whatsapp.net');
  assert.equal(maskNumber('my-device-1'), 'my-device-1');
});
