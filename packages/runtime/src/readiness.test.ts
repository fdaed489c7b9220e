import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadiness } from './readiness.ts';

test('a process is ready when no check finds a problem', async () => {
  const readiness = createReadiness([
    { name: 'redis', findProblem: async () => undefined },
    { name: 'lifecycle', findProblem: () => undefined },
  ]);
  assert.deepEqual(await readiness(), []);
});

test('each problem is named, in the order of the checks; a check that throws is a problem', async () => {
  const readiness = createReadiness([
    { name: 'redis', findProblem: () => Promise.reject(new Error('refuses writes')) },
    { name: 'disk', findProblem: async () => undefined },
    {
      name: 'blobs',
      findProblem: () => {
        throw new Error('the folder is gone');
      },
    },
    { name: 'lifecycle', findProblem: () => 'shutting down' },
  ]);
  assert.deepEqual(await readiness(), [
    'redis: refuses writes',
    'blobs: the folder is gone',
    'lifecycle: shutting down',
  ]);
});

test('a check that never answers is a problem after 2 s, and hides no other', async () => {
  const answer = createReadiness([
    { name: 'blobs', findProblem: () => new Promise(() => {}) },
    { name: 'lifecycle', findProblem: () => 'shutting down' },
  ])();
  assert.deepEqual(await answer, ['blobs: no answer', 'lifecycle: shutting down']);
});
