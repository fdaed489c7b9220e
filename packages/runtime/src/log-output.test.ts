import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const LOGGER = JSON.stringify(new URL('logger.ts', import.meta.url).href);

/** Runs a program with a `logger`, and answers the messages that it has logged. */
async function logged(program: string): Promise<string[]> {
  const script = `import { createLogger } from ${LOGGER};
const logger = createLogger({ name: 't', level: 'info' });
${program}`;
  const args = ['--conditions=source', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
}

test('lines come in order, and none is lost when the process ends, by itself, by exit or by an error', async () => {
  const write = `logger.info('one'); logger.info('two');`;
  for (const end of [
    '',
    'process.exit(1);',
    `process.on('uncaughtException', () => process.exit(1)); throw new Error('x');`,
  ]) {
    assert.deepEqual(await logged(write + end), ['one', 'two'], end);
  }
});

test('lines go out while the process goes on', async () => {
  const program = `logger.info('one'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2000);`;
  assert.deepEqual(await logged(program), ['one']);
});

test('a reader that is gone ends no process and is waited for by none', async () => {
  const script = `import { createLogger } from ${LOGGER};
const logger = createLogger({ name: 't', level: 'info' });
process.once('message', () => {
  logger.info('to nobody');
  logger.warn('to nobody');
  process.disconnect();
});
process.send('up');`;
  const args = ['--conditions=source', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  await once(child, 'message');
  child.stdout?.destroy();
  child.send('write');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});

test('a warning goes out at once, and what was written before it', async () => {
  assert.deepEqual(await logged(`logger.info('one'); logger.warn('two'); process.kill(process.pid, 'SIGKILL');`), [
    'one',
    'two',
  ]);
});
