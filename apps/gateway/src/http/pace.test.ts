import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { FieldError } from '@postern/contract';
import { createDevices } from '@postern/registry';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { toAnswer } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
before(async () => {
  tested = await startGatewayUnderTest();
  await tested.addDevice('phone');
});
after(() => tested.stop());

async function patch(body: unknown, contentType = 'application/json') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const init = { method: 'PATCH', headers: { 'content-type': contentType }, body: text };
  return toAnswer(await fetch(`${tested.url}/devices/phone`, init));
}
const shown = async () => (await toAnswer(await fetch(`${tested.url}/devices/phone`))).body.results?.['pace'];
const stored = async () => (await createDevices(tested.redis, tested.keys).get('phone'))?.pace;

test('a device gets a pace of its own, and the default again', async () => {
  assert.equal(await shown(), undefined);
  const pace = { max: 20, window_ms: 60_000 };
  const changed = await patch({ pace });
  assert.deepEqual([changed.status, changed.body.results?.['pace']], [200, pace]);
  assert.deepEqual([await shown(), await stored()], [pace, pace]);
  const unlimited = { max: 0, window_ms: 100 };
  assert.deepEqual((await patch({ pace: unlimited })).body.results?.['pace'], unlimited);
  const reset = await patch({ pace: null });
  assert.deepEqual([reset.status, reset.body.results?.['pace']], [200, undefined]);
  assert.deepEqual([await shown(), await stored()], [undefined, undefined]);
});

const WRONG: [body: unknown, fields: string[]][] = [
  [{}, ['pace']],
  [{ pace: 20 }, ['pace']],
  [{ pace: [1, 2] }, ['pace']],
  [{ pace: { max: 1 } }, ['pace.window_ms']],
  [{ pace: { max: -1, window_ms: 99 } }, ['pace.max', 'pace.window_ms']],
  [{ pace: { max: '5', window_ms: 1000.5 } }, ['pace.max', 'pace.window_ms']],
  [{ pace: { max: 5, window_ms: 1000, per: 'day' } }, ['pace.per']],
  [{ pace: null, limit: 5 }, ['limit']],
];
for (const [body, fields] of WRONG) {
  test(`${JSON.stringify(body)} changes nothing and is refused by name`, async () => {
    const answer = await patch(body);
    assert.deepEqual([answer.status, answer.body.code], [400, 'VALIDATION_ERROR']);
    assert.deepEqual(
      ((answer.body.results ?? {})['errors'] as FieldError[]).map((error) => error.field),
      fields,
    );
    assert.equal(await stored(), undefined);
  });
}

test('only JSON changes a device, and only one that is there', async () => {
  assert.equal((await patch('pace=1', 'application/x-www-form-urlencoded')).status, 400);
  assert.equal((await patch('{')).status, 400);
  const init = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"pace":null}' };
  assert.equal((await fetch(`${tested.url}/devices/nobody`, init)).status, 404);
});
