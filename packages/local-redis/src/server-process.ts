import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { delay } from '@postern/runtime';

/** Its output is not kept, and neither its pipes nor itself keep our event loop alive. */
export function unrefServer(server: ChildProcess): void {
  for (const pipe of [server.stdout, server.stderr]) {
    pipe?.resume();
    if (pipe && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }
  server.unref();
}

/** SIGTERM lets Redis write its file; one that is stopped (SIGSTOP) or stuck is killed after 5 s. */
export async function terminate(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.ref();
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(timer);
}

/** Rejects when the server ends, or has not answered within 15 s, with what it said. */
export async function untilAnswering(server: ChildProcess, port: number): Promise<void> {
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2000);
  };
  server.stdout?.on('data', collect);
  server.stderr?.on('data', collect);
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    if (failure) throw failure;
    if (server.exitCode !== null) throw new Error(`redis-server ended with code ${server.exitCode}:\n${output}`);
    if (await isAnswering(port)) return;
    await delay(20);
  }
  throw new Error(`redis-server did not answer within 15 s:\n${output}`);
}

function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('data', (chunk) => finish(/^(\+PONG|-NOAUTH)/.test(chunk.toString())));
    socket.once('error', () => finish(false));
    // Whoever has the port may also hang up without a word.
    socket.once('close', () => finish(false));
  });
}
