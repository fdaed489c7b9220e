import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatheredQuestions } from './gathered-questions.ts';

/** Questions that are answered when the test says so; each is noted as its members. */
function createQuestions({ maxMembers = 20, gatherMs = 1 } = {}) {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  let jointFails = false;
  const unknown = new Set<string>();
  const question = (members: string[]) => {
    asked.push(members.join('+'));
    return new Promise<void>((resolve) => answers.push(resolve));
  };
  const questions = new GatheredQuestions<string>({
    gatherMs,
    maxMembers,
    together: async (members) => {
      await question(members);
      if (jointFails) throw new Error('no answer');
      return new Map(members.filter((one) => !unknown.has(one)).map((one) => [one, `${one}!`]));
    },
    alone: async (member) => {
      await question([member]);
      if (member === 'bad') throw new Error('bad');
      return unknown.has(member) ? undefined : `${member}!`;
    },
  });
  /** Answers everything until these promises have settled. */
  const settle = async <T>(...promises: Promise<T>[]) => {
    const state = { settled: false };
    const settled = Promise.allSettled(promises).finally(() => {
      state.settled = true;
    });
    while (!state.settled) {
      for (const answer of answers.splice(0)) answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return (await settled).map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)));
  };
  return { questions, asked, settle, unknown, failJoint: () => (jointFails = true) };
}

test('the first question is asked at once; those that come while it is under way are asked together', async () => {
  const { questions, asked, settle } = createQuestions();
  const all = ['a', 'b', 'c', 'b'].map((member) => questions.ask(member));
  assert.deepEqual(asked, ['a']);
  assert.deepEqual(await settle(...all), ['a!', 'b!', 'c!', 'b!']);
  assert.deepEqual(asked, ['a', 'b+c']);
  assert.deepEqual(await settle(questions.ask('d')), ['d!']);
  assert.deepEqual(asked.at(-1), 'd');
});

test('a full question does not wait for more company', async () => {
  const { questions, asked, settle } = createQuestions({ maxMembers: 2, gatherMs: 60_000 });
  const all = ['a', 'b', 'c'].map((member) => questions.ask(member));
  assert.deepEqual(await settle(...all), ['a!', 'b!', 'c!']);
  assert.deepEqual(asked, ['a', 'b+c']);
});

test('when a joint question fails each member is asked for alone, and only the bad one fails', async () => {
  const { questions, asked, settle, failJoint } = createQuestions();
  failJoint();
  const all = ['a', 'b', 'bad', 'c'].map((member) => questions.ask(member));
  assert.deepEqual(await settle(...all), ['a!', 'b!', 'Error: bad', 'c!']);
  assert.deepEqual(asked, ['a', 'b+bad+c', 'b', 'bad', 'c']);
});

test('whom a joint question says nothing of is asked for alone before that is an answer', async () => {
  const { questions, asked, settle, unknown } = createQuestions();
  unknown.add('c');
  const all = ['a', 'b', 'c'].map((member) => questions.ask(member));
  assert.deepEqual(await settle(...all), ['a!', 'b!', undefined]);
  assert.deepEqual(asked, ['a', 'b+c', 'c']);
});

test('what is learnt early is asked at once, once, and shared with who asks meanwhile', async () => {
  const { questions, asked, settle, unknown } = createQuestions({ gatherMs: 60_000 });
  unknown.add('c');
  const learning = questions.learn(['a', 'b', 'c']);
  const asking = questions.ask('b');
  assert.deepEqual(await settle<unknown>(learning, asking), [
    new Map([
      ['a', 'a!'],
      ['b', 'b!'],
    ]),
    'b!',
  ]);
  assert.deepEqual(asked, ['a+b+c']);
});

test('learning early fails for nobody', async () => {
  const { questions, settle, failJoint } = createQuestions();
  failJoint();
  assert.deepEqual(await settle<unknown>(questions.learn(['a', 'b'])), [new Map()]);
});
