import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigError, env, readEnv } from './env.ts';

const schema = z.object({
  PORT: env.integer(3000, 0, 65535),
  VERBOSE: env.boolean(false),
  HOSTS: env.list(),
});

test('unset and empty variables take their defaults', () => {
  assert.deepEqual(readEnv(schema, { PORT: '' }), { PORT: 3000, VERBOSE: false, HOSTS: [] });
});

test('set variables are parsed', () => {
  assert.deepEqual(readEnv(schema, { PORT: '0', VERBOSE: 'Yes', HOSTS: 'a, b' }), {
    PORT: 0,
    VERBOSE: true,
    HOSTS: ['a', 'b'],
  });
});

test('every bad variable is named at once, without its value', () => {
  assert.throws(
    () => readEnv(schema, { PORT: '3e3', VERBOSE: 'perhaps' }),
    (error: unknown) =>
      error instanceof ConfigError &&
      /PORT/.test(error.message) &&
      /VERBOSE/.test(error.message) &&
      !/perhaps/.test(error.message),
  );
});
