import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { untilAnswering } from './server-process.ts';

test('a port at which somebody hangs up at once is asked again until the server has ended', async (t) => {
  let asked = 0;
  const stranger = createServer((socket) => {
    asked += 1;
    socket.end();
    if (asked === 3) server.stdin.end();
  });
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  t.after(() => stranger.close());
  const server = spawn(process.execPath, ['--eval', "process.stdin.resume().on('end', () => process.exit(7))"]);
  t.after(() => server.kill('SIGKILL'));
  const address = stranger.address();
  assert.ok(address !== null && typeof address === 'object');
  await assert.rejects(untilAnswering(server, address.port), /ended with code/);
  assert.ok(asked >= 3);
});
