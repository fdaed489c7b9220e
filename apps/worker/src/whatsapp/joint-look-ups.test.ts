import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Failure, parseRecipient } from '@postern/contract';
import { type BenchOptions, outgoing, sendTo, startLinked, testImage } from './linked-session.fixture.ts';

const NOBODY = '6289999999999';

/** A linked session and twelve people it never wrote to. */
async function startWithStrangers(t: TestContext, options: BenchOptions = {}) {
  const bench = await startLinked(t, options);
  const strangers = Array.from({ length: 12 }, (_, index) =>
    bench.simulator.addPhone({ number: String(6281200000000 + index), companions: index % 2 }),
  );
  // Its own devices are known, as they are to any session that has sent something.
  await bench.opened.session.lookUp(parseRecipient(bench.friend.number));
  const before = bench.simulator.stats().queries;
  /** How many queries of this namespace came since. */
  const asked = (xmlns: string) => (bench.simulator.stats().queries[xmlns] ?? 0) - (before[xmlns] ?? 0);
  const people = strangers.map(({ number }) => parseRecipient(number));
  return { ...bench, strangers, people, asked };
}

type Strangers = Awaited<ReturnType<typeof startWithStrangers>>;

async function assertAllReached({ opened, strangers, people }: Strangers): Promise<void> {
  const image = await opened.session.upload(testImage());
  const routes = await Promise.all(people.map((person) => opened.session.lookUp(person)));
  await Promise.all(
    routes.map(async (route, index) => {
      const message = outgoing(route, image);
      await opened.session.send(message, () => {});
      const got = await strangers[index]?.waitFor(({ id }) => id === message.messageId);
      assert.deepEqual([got?.error, got?.decryptedBy], [undefined, 1 + (index % 2)]);
    }),
  );
}

test('many who are looked up at once are asked for together, and all are reached', async (t) => {
  const bench = await startWithStrangers(t, { simulator: { rttMs: 40 } });
  await Promise.all(bench.people.map((person) => bench.opened.session.lookUp(person)));
  assert.ok(bench.asked('usync') <= 6, `${bench.asked('usync')} questions for who is there and their devices`);
  assert.ok(bench.asked('encrypt') <= 6, `${bench.asked('encrypt')} questions for keys`);
  await assertAllReached(bench);
});

test('people learnt early need no question of their own', async (t) => {
  const bench = await startWithStrangers(t);
  const { opened, people, asked } = bench;
  const [first] = people;
  assert.ok(first && !opened.session.knows(first));
  await opened.session.learn([...people, parseRecipient(NOBODY)]);
  const questions = asked('usync');
  assert.equal(questions, 2, 'one for who is there, one for their devices');
  assert.ok(people.every((person) => opened.session.knows(person)));
  await Promise.all(people.map((person) => opened.session.lookUp(person)));
  assert.equal(asked('usync'), questions);
  await assertAllReached(bench);
});

test('a number that is not on WhatsApp is INVALID_JID among others, and the others are found', async (t) => {
  const { opened, people } = await startWithStrangers(t, { simulator: { rttMs: 20 } });
  const looked = await Promise.allSettled(
    [...people, parseRecipient(NOBODY)].map((person) => opened.session.lookUp(person)),
  );
  const failed = looked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  assert.ok(failed.length === 1 && failed[0] instanceof Failure && failed[0].code === 'INVALID_JID');
  assert.ok(looked.at(-1)?.status === 'rejected');
});

for (const kind of ['iq_silence', 'iq_error'] as const) {
  for (const [what, xmlns, skip] of [
    ['who is there', 'usync', 0],
    ['devices', 'usync', 1],
    ['keys', 'encrypt', 0],
  ] as const) {
    test(`a joint question for ${what} that fails (${kind}) fails nobody`, async (t) => {
      const bench = await startWithStrangers(t, { queryTimeoutMs: 1500 });
      const { simulator, opened, people } = bench;
      simulator.faults.add({ kind, xmlns, skip, error: 406 });
      await opened.session.learn(people);
      await assertAllReached(bench);
    });
  }
}

test('while no question is answered nobody is sent to, and nobody is invalid', async (t) => {
  const { simulator, opened, people } = await startWithStrangers(t, { queryTimeoutMs: 200 });
  const relayed: string[] = [];
  simulator.onMessage(({ id }) => relayed.push(id));
  simulator.faults.add({ kind: 'iq_silence', xmlns: 'usync', count: null });
  await opened.session.learn(people);
  assert.ok(people.every((person) => !opened.session.knows(person)));
  for (const looked of await Promise.allSettled(people.map((person) => opened.session.lookUp(person)))) {
    const failure: unknown = looked.status === 'rejected' ? looked.reason : undefined;
    assert.ok(failure instanceof Failure);
    assert.deepEqual([failure.code, failure.retryable], ['SEND_FAILED', true]);
  }
  assert.deepEqual(relayed, []);
});

test('from the second message to a person on, nothing is asked at all', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  const { message } = await sendTo(opened.session, friend.number);
  await friend.waitFor(({ id }) => id === message.messageId);
  const total = () => Object.values(simulator.stats().queries).reduce((sum, count) => sum + count, 0);
  const noted = () => simulator.stats().queries['privacy'] ?? 0;
  for (const end = Date.now() + 3000; noted() === 0; await new Promise((resolve) => setImmediate(resolve))) {
    assert.ok(Date.now() < end, 'the privacy token was not given');
  }
  const before = total();
  for (let count = 0; count < 3; count += 1) await sendTo(opened.session, friend.number);
  assert.equal(total() - before, 0, JSON.stringify(simulator.stats().queries));
});
