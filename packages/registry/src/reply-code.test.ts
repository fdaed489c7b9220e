import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toReplyCode } from './reply-code.ts';

test('the code of an error is its first word, wherever Redis met it', () => {
  assert.equal(toReplyCode(new Error("READONLY You can't write against a read only replica.")), 'READONLY');
  const wrapped =
    "ERR Error running script (call to f_1a2b): @user_script:1: @user_script: 1: -READONLY You can't write";
  assert.equal(toReplyCode(new Error(wrapped)), 'READONLY');
  assert.equal(toReplyCode(new Error('ERR unknown command')), 'ERR');
});

test('what is no answer of Redis has no code', () => {
  assert.equal(toReplyCode(new Error('Command timed out')), undefined);
  assert.equal(toReplyCode(new Error('ECONNREFUSED')), undefined);
  assert.equal(toReplyCode('OOM'), undefined);
});
