import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const RUNTIME = JSON.stringify(new URL('index.ts', import.meta.url).href);

interface Ended {
  code: number | null;
  stderr: string;
  lines: { level: string; msg: string; origin?: string; err?: { message: string; stack: string } }[];
}

/** Runs a service whose start is this code, and answers how it ended. */
async function runStart(start: string, readConfig = `({ logLevel: 'info' })`): Promise<Ended> {
  const program = `import { ConfigError, runService } from ${RUNTIME};
await runService({
  name: 't',
  stopGraceMs: 1_000,
  readConfig: () => ${readConfig},
  async start(config, logger) { ${start} },
});`;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const reading = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const [stdout, stderr, [code]] = await reading;
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code: code as number | null, stderr, lines: lines.map((line) => JSON.parse(line) as Ended['lines'][0]) };
}

const STOPPABLE = `return { async stop() { await new Promise((resolve) => setTimeout(resolve, 20)); logger.info('released'); } };`;
const THROWN = {
  'an exception': `setTimeout(() => { throw new Error('no session for 6281234567890'); }); ${STOPPABLE}`,
  'a rejection': `setTimeout(() => Promise.reject(new Error('no session for 6281234567890'))); ${STOPPABLE}`,
  'a bare number': `setTimeout(() => Promise.reject(6281234567890)); ${STOPPABLE}`,
  'two exceptions': `for (const ms of [1, 2]) setTimeout(() => { throw new Error('no session for 6281234567890'); }, ms); ${STOPPABLE}`,
};

for (const [name, start] of Object.entries(THROWN)) {
  test(`${name} that nobody catches is one fatal line without whole numbers, then the service stops and the exit code is 1`, async () => {
    const { code, stderr, lines } = await runStart(start);
    assert.deepEqual(
      lines.map(({ level, msg }) => `${level} ${msg}`),
      ['fatal crashed', 'info released'],
    );
    assert.match(JSON.stringify(lines[0]?.err), /…7890/);
    assert.doesNotMatch(JSON.stringify(lines), /6281234567890/);
    assert.equal(stderr, '');
    assert.equal(code, 1);
  });
}

test('a crashed service that does not stop is ended nevertheless', async () => {
  const { code, lines } = await runStart(
    `setTimeout(() => { throw new Error('broken'); }); setInterval(() => {}, 1000); return { stop: () => new Promise(() => {}) };`,
  );
  assert.deepEqual([code, lines.map(({ msg }) => msg)], [1, ['crashed']]);
});

test('a start that fails is one fatal line, whatever it has left running', async () => {
  const { code, stderr, lines } = await runStart(`setInterval(() => {}, 1000); throw new Error('port taken');`);
  assert.deepEqual(
    lines.map(({ level, msg, err }) => [level, msg, err?.message]),
    [['fatal', 'not started', 'port taken']],
  );
  assert.deepEqual([code, stderr], [1, '']);
});

test('a configuration that is not usable is explained on standard error without a stack', async () => {
  const { code, stderr, lines } = await runStart('', `{ throw new ConfigError('PORT: expected a whole number'); }`);
  assert.deepEqual([code, stderr, lines], [1, 'PORT: expected a whole number\n', []]);
});

test('a stop that fails is one fatal line and exit code 1, one that succeeds exit code 0', async () => {
  const signalled = `setTimeout(() => process.kill(process.pid, 'SIGTERM'), 5); const alive = setInterval(() => {}, 1000);`;
  const failed = await runStart(
    `${signalled} return { async stop() { clearInterval(alive); throw new Error('stuck'); } };`,
  );
  assert.deepEqual([failed.code, failed.lines.map(({ msg }) => msg)], [1, ['stopping', 'not stopped cleanly']]);
  const stopped = await runStart(`${signalled} return { async stop() { clearInterval(alive); } };`);
  assert.deepEqual([stopped.code, stopped.lines.map(({ msg }) => msg)], [0, ['stopping', 'stopped']]);
});
