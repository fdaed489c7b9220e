import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recipient } from '@postern/contract';
import type { Session } from '../whatsapp/whatsapp.ts';
import { LookAhead } from './look-ahead.ts';

const person = (name: string): Recipient => ({ kind: 'person', jid: `${name}@s.whatsapp.net` });
const group = (name: string): Recipient => ({ kind: 'group', jid: `${name}@g.us` });

/** A session that knows whom it has learnt, and notes each learning; it learns when told to go on. */
function createSession() {
  const known = new Set<string>();
  const learnt: string[][] = [];
  const waiting: (() => void)[] = [];
  const controller = new AbortController();
  const session: Pick<Session, 'knows' | 'learn' | 'signal'> = {
    signal: controller.signal,
    knows: ({ jid }) => known.has(jid),
    learn: async (recipients) => {
      learnt.push(recipients.map(({ jid }) => jid.split('@')[0] ?? ''));
      await new Promise<void>((resolve) => waiting.push(resolve));
      for (const { jid } of recipients) known.add(jid);
    },
  };
  const goOn = async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { session: session as Session, known, learnt, goOn };
}

function createLookAhead(lane: Map<string, Recipient>) {
  const looks: number[] = [];
  const lookAhead = new LookAhead({
    peekIds: async (count) => {
      looks.push(count);
      return [...lane.keys()].slice(0, count);
    },
    readJobs: async (ids) => ids.map((id) => ({ recipient: lane.get(id) ?? person('gone') })),
    onError: (error) => assert.fail(String(error)),
  });
  return { lookAhead, looks };
}

test('a message to somebody new has the recipients of the waiting messages looked up, each person once', async () => {
  const lane = new Map([
    ['1', person('a')],
    ['2', person('b')],
    ['3', person('a')],
    ['4', group('g')],
    ['5', person('friend')],
  ]);
  const { lookAhead } = createLookAhead(lane);
  const { session, known, learnt, goOn } = createSession();
  known.add(person('friend').jid);
  lookAhead.notice({ recipient: person('new') }, session);
  await goOn();
  assert.deepEqual(learnt, [['a', 'b']]);
});

test('while everybody is known the lane is not looked at', async () => {
  const { lookAhead, looks } = createLookAhead(new Map([['1', person('a')]]));
  const { session, known, goOn } = createSession();
  known.add(person('friend').jid);
  lookAhead.notice({ recipient: person('friend') }, session);
  lookAhead.notice({ recipient: group('g') }, session);
  await goOn();
  assert.deepEqual(looks, []);
});

test('it goes on as long as messages come whose recipients it has looked up', async () => {
  const lane = new Map([['1', person('a')]]);
  const { lookAhead, looks } = createLookAhead(lane);
  const { session, learnt, goOn } = createSession();
  lookAhead.notice({ recipient: person('new') }, session);
  await goOn();
  lane.set('2', person('b'));
  lookAhead.notice({ recipient: person('a') }, session);
  await goOn();
  assert.deepEqual(learnt, [['a'], ['b']]);
  lookAhead.notice({ recipient: person('a') }, session);
  await goOn();
  assert.equal(looks.length, 2, 'a second message to the same person is one to somebody known');
});

test('one look at a time; what came meanwhile is looked at afterwards', async () => {
  const lane = new Map([['1', person('a')]]);
  const { lookAhead, looks } = createLookAhead(lane);
  const { session, learnt, goOn } = createSession();
  for (const name of ['x', 'y', 'z']) lookAhead.notice({ recipient: person(name) }, session);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([looks.length, learnt], [1, [['a']]]);
  lane.set('2', person('b'));
  await goOn();
  assert.deepEqual(learnt, [['a'], ['b']]);
});

test('a new session knows nobody: what waits is looked up again', async () => {
  const lane = new Map([['1', person('a')]]);
  const { lookAhead } = createLookAhead(lane);
  const first = createSession();
  lookAhead.notice({ recipient: person('new') }, first.session);
  await first.goOn();
  const second = createSession();
  lookAhead.notice({ recipient: person('new') }, second.session);
  await second.goOn();
  assert.deepEqual(second.learnt, [['a']]);
});
