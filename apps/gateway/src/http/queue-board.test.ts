import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delay } from '@postern/runtime';
import express from 'express';
import type { Exchange } from './exchange.ts';
import { queueBoardRoutes } from './queue-board.ts';
import { startHttpServer } from './server.ts';

test('loading the board, for however long on a busy machine, is no silence of Redis', async (t) => {
  const answer = async () => ({ status: 200, body: { queues: [] } });
  const open = async () => {
    await delay(1_500);
    return { page: () => '', files: '', answer };
  };
  const app = express();
  for (const { path, handle } of queueBoardRoutes({ board: { open }, devices: { ids: async () => [] } })) {
    app.get(path, (request, response) =>
      handle({ request, response, principal: { name: 'all', devices: 'all' } } as unknown as Exchange),
    );
  }
  const server = await startHttpServer(app, { host: '127.0.0.1', port: 0 });
  t.after(() => server.stop(0));
  const response = await fetch(`http://127.0.0.1:${server.port}/queues/api/queues`);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { queues: [] });
});
