import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Failure } from '@postern/contract';
import { interlacedPng } from '../pipeline/interlaced-png.fixture.ts';
import { noise } from '../sample-images.ts';
import { ImageProcessDiedError } from './image-process-handle.ts';
import { IsolatedPreparer } from './isolated-preparer.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const MIB = 2 ** 20;
/** Held as a whole while it is decoded: 128 MB. */
const heavy = await interlacedPng(4000);
const light = await noise(300, 200).jpeg().toBuffer();

function createPreparer(t: TestContext, memoryBytes = 1024 * MIB) {
  const preparer = new IsolatedPreparer({ memoryBytes, timeoutMs: 60_000 });
  t.after(() => preparer.stop());
  return preparer;
}

async function failureOf(preparing: Promise<unknown>): Promise<Failure> {
  const error: unknown = await preparing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  assert.equal(error.code, 'IMAGE_PROCESSING_FAILED');
  return error;
}

/** Kills each process that is at work on the picture, as often as that. */
async function kill(preparer: IsolatedPreparer, preparing: Promise<unknown>, times: number) {
  let last: number | undefined;
  for (let n = 0; n < times; n += 1) {
    while (preparer.pid === undefined || preparer.pid === last) await tick();
    last = preparer.pid;
    process.kill(last, 'SIGKILL');
  }
  return await preparing;
}

test('one process prepares picture after picture', async (t) => {
  const preparer = createPreparer(t);
  assert.equal((await preparer.prepare(heavy, AS_IS)).width, 4000);
  const { pid } = preparer;
  const { bytes, thumbnail, width, notes } = await preparer.prepare(light, AS_IS);
  assert.deepEqual([width, notes, preparer.pid], [300, [], pid]);
  assert.deepEqual(bytes, light);
  assert.ok(Buffer.isBuffer(bytes) && Buffer.isBuffer(thumbnail));
});

test('a picture that needs more memory than the process may have ends the process, and the next is prepared', async (t) => {
  const preparer = createPreparer(t, 150 * MIB);
  const { details, cause } = await failureOf(preparer.prepare(heavy, AS_IS));
  assert.equal(details['reason'], 'too_much_memory');
  assert.ok(cause instanceof ImageProcessDiedError);
  assert.equal((await preparer.prepare(light, AS_IS)).width, 300);
});

test('a picture in whose hand a process was killed is given to another one, once', async (t) => {
  const preparer = createPreparer(t);
  assert.equal((await preparer.prepare(light, AS_IS)).width, 300);
  await preparer.stop();
  const spared = preparer.prepare(heavy, AS_IS);
  await kill(preparer, spared, 1);
  assert.equal((await spared).width, 4000);
  await preparer.stop();
  const blamed = preparer.prepare(heavy, AS_IS);
  const { details, cause } = await failureOf(kill(preparer, blamed, 2));
  assert.equal(details['reason'], 'killed_process');
  assert.ok(cause instanceof ImageProcessDiedError);
});

test('a failure of the picture is the same as without a process', async (t) => {
  const failure = await failureOf(createPreparer(t).prepare(light.subarray(0, 500), AS_IS));
  assert.match(failure.message, /cut off/);
});

test('what is cancelled is not worked on any more', async (t) => {
  const preparer = createPreparer(t);
  const cancelling = new AbortController();
  const preparing = preparer.prepare(heavy, AS_IS, cancelling.signal);
  const { pid } = preparer;
  assert.ok(pid !== undefined);
  cancelling.abort(new Error('cancelled'));
  await assert.rejects(preparing, /cancelled/);
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});

test('the process sees nothing of the environment', async (t) => {
  if (process.platform !== 'linux') return t.skip('the environment is read from /proc');
  const preparer = createPreparer(t);
  await preparer.prepare(light, AS_IS);
  const { readFile } = await import('node:fs/promises');
  const names = (await readFile(`/proc/${preparer.pid}/environ`, 'utf8')).split('\0').map((line) => line.split('=')[0]);
  assert.deepEqual(
    names.filter((name) => name !== '' && !name?.startsWith('NODE_CHANNEL')),
    [],
  );
});

const tick = () => new Promise((resolve) => setImmediate(resolve));
