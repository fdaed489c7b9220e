import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceProcess } from '../support/service-process.ts';
import { startStack } from '../support/stack.ts';

const NUMBER = '6281234567890';
/** Loaded before the service: a defect that strikes at a signal. */
const crashOn = (signal: string, defect: string) => {
  const code = `process.on('${signal}',()=>{${defect}})`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
};

function assertFatalEnd(service: ServiceProcess): void {
  const lines = service.output().split('\n');
  const written = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  const fatal = written.filter(({ level }) => level === 'fatal');
  assert.deepEqual(
    fatal.map(({ msg }) => msg),
    ['crashed'],
  );
  assert.match(JSON.stringify(fatal), /…7890/);
  assert.ok(!service.output().includes(NUMBER));
}

test('a worker that crashes says why in one line, releases its devices and ends with 1', async () => {
  const stack = await startStack({ workerEnv: crashOn('SIGUSR2', `throw new Error('no session for ${NUMBER}')`) });
  try {
    await stack.pair('shop', NUMBER);
    const lease = 'postern:{shop}:lease';
    assert.ok(await stack.redis.exists(lease));
    stack.worker.kill('SIGUSR2');
    assert.equal(await stack.worker.exited, 1);
    assert.equal(await stack.redis.exists(lease), 0);
    assertFatalEnd(stack.worker);
  } finally {
    await stack.stop();
  }
});

test('a gateway in which a bare number is rejected says so in one line and ends with 1', async () => {
  const stack = await startStack({ gatewayEnv: crashOn('SIGUSR2', `Promise.reject(${NUMBER})`) });
  try {
    stack.gateway.kill('SIGUSR2');
    assert.equal(await stack.gateway.exited, 1);
    assertFatalEnd(stack.gateway);
  } finally {
    await stack.stop();
  }
});
