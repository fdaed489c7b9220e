import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type RedisRelay, startRedisRelay } from '@postern/local-redis';
import type { Phone } from '@postern/simulator';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent } from '../support/message-status.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
let stack: Stack;
let other: string;
let friend: Phone;
let tap: RedisRelay;

before(async () => {
  stack = await startStack({ gatewayEnv: { BLOB_GRACE_MS: '3000' } });
  await stack.pair(DEVICE, '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  other = toUrl(await stack.startGateway());
  tap = await startRedisRelay(stack.redisServer.port);
});
afterEach(() => stack.simulator.faults.clear());
after(async () => {
  await tap.stop();
  await stack.stop();
});

const toUrl = ({ ready }: { ready: Record<string, unknown> }) => `http://127.0.0.1:${String(ready['port'])}`;
const send = (url: string, key: string, image: Buffer, headers: Record<string, string> = {}) =>
  sendImage(url, DEVICE, { phone: friend.number, image }, { 'Idempotency-Key': key, ...headers });
const replayed = ({ headers }: Answer) => headers.get('idempotency-replayed');

/** The friend has this picture once, under this id; nothing is left of it, once the sweeper was at a dead gateway's upload. */
async function assertArrivedOnce(image: Buffer, id: unknown): Promise<void> {
  const arrived = () => friend.received.filter((message) => message.sha256 === sha256(image));
  await waitUntil(`${String(id)} arrives`, () => arrived().length > 0);
  assert.deepEqual(
    arrived().map((message) => message.id),
    [id],
  );
  await assertNothingLeft(stack, DEVICE);
}

test('50 equal requests at once through two gateways are one message at the phone, and 50 equal answers', async () => {
  const image = await createPicture(1);
  const sending = Array.from({ length: 50 }, (_, n) => send(n % 2 === 0 ? stack.url : other, 'fifty', image));
  const answers = await Promise.all(sending);
  const [first] = answers;
  for (const { status, code, results } of answers) {
    assert.deepEqual([status, code, results], [200, 'SUCCESS', first?.results]);
  }
  assert.equal(answers.filter((answer) => replayed(answer) === null).length, 1);
  const conflict = await send(other, 'fifty', await createPicture(2));
  assert.deepEqual([conflict.status, conflict.code], [409, 'IDEMPOTENCY_KEY_CONFLICT']);
  await assertArrivedOnce(image, first?.results['message_id']);
});

test('an equal request through the other gateway waits for the message that the first one queued', async () => {
  const image = await createPicture(3);
  stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 1_000 });
  const first = await send(stack.url, 'slow', image, { Prefer: 'respond-async' });
  assert.equal(first.status, 202);
  const again = await send(other, 'slow', image);
  assertSent(again);
  assert.deepEqual([again.results['message_id'], replayed(again)], [first.results['message_id'], 'true']);
  await assertArrivedOnce(image, first.results['message_id']);
});

const DEATHS = [
  { moment: 'before its claim', command: /:idempotency:[^]*"messageId"/, isClaimed: false },
  { moment: 'after its claim', command: /set\r\n\$\d+\r\npostern:message:/i, isClaimed: true },
  { moment: 'before the record and the job', command: /:lane:marker\r\n/, isClaimed: true },
];
for (const [seed, { moment, command, isClaimed }] of DEATHS.entries()) {
  test(`a gateway killed ${moment}: asking the other one with the same key sends the message once`, async () => {
    const image = await createPicture(10 + seed);
    const doomed = await stack.startGateway({ REDIS_URL: tap.url });
    const held = tap.hold(command);
    const asking = send(toUrl(doomed), moment.replaceAll(' ', '-'), image).catch(() => 'connection lost');
    await held;
    doomed.kill('SIGKILL');
    await doomed.exited;
    assert.equal(await asking, 'connection lost');
    const again = await send(other, moment.replaceAll(' ', '-'), image);
    assertSent(again);
    assert.equal(replayed(again), isClaimed ? 'true' : null);
    const third = await send(stack.url, moment.replaceAll(' ', '-'), image);
    assert.deepEqual([third.results, replayed(third)], [again.results, 'true']);
    await assertArrivedOnce(image, again.results['message_id']);
  });
}

const SILENCES = [
  { moment: 'before the record', command: /set\r\n\$\d+\r\npostern:message:/i, code: 'QUEUE_UNAVAILABLE' },
  { moment: 'at the record and the job', command: /:lane:marker\r\n/, code: 'ACCEPTANCE_UNKNOWN' },
];
for (const [seed, { moment, command, code }] of SILENCES.entries()) {
  test(`Redis stops ${moment}: ${code}, and asking again with the same key sends the message once`, async () => {
    const image = await createPicture(20 + seed);
    const key = moment.replaceAll(' ', '-');
    const gateway = await stack.startGateway({ REDIS_URL: tap.url });
    const held = tap.hold(command);
    const asking = send(toUrl(gateway), key, image);
    const silenced = await held;
    process.kill(stack.redisServer.pid, 'SIGSTOP');
    silenced.release();
    const unknown = await asking;
    assert.deepEqual([unknown.status, unknown.code], [503, code]);
    const refused = await send(other, key, image);
    assert.deepEqual([refused.status, refused.code], [503, 'QUEUE_UNAVAILABLE']);
    process.kill(stack.redisServer.pid, 'SIGCONT');
    await waitUntil('the other gateway is ready', async () => (await fetch(`${other}/readyz`)).ok);
    const [again, too] = await Promise.all([send(other, key, image), send(stack.url, key, image)]);
    assertSent(again);
    assertSent(too);
    const id = again.results['message_id'];
    assert.equal(too.results['message_id'], id);
    if (code === 'ACCEPTANCE_UNKNOWN') assert.equal(id, unknown.results['message_id']);
    await assertArrivedOnce(image, id);
    await gateway.stop();
  });
}
