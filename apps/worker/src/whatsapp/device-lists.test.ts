import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLists, type DeviceQueries } from './device-lists.ts';

const OWN = '628100@s.whatsapp.net';
const FRIEND = '628111@s.whatsapp.net';
const unanswered = { code: 'SEND_FAILED', retryable: true };

/** A server that knows these devices; `answers: false` leaves the question open, as Baileys shows it: an empty list. */
function createServer(known: Record<string, string[]>, { answers = true, keys = true, now = Date.now } = {}) {
  const lists = new DeviceLists(now);
  const asked: string[][] = [];
  const queries: DeviceQueries = {
    async getUSyncDevices(jids) {
      asked.push(jids);
      if (!answers) return [];
      const users = jids.filter((jid) => known[jid] !== undefined);
      const content = users.map((jid) => ({ tag: 'user', attrs: { jid }, content: [{ tag: 'devices', attrs: {} }] }));
      const usync = { tag: 'usync', attrs: {}, content: [{ tag: 'list', attrs: {}, content }] };
      lists.receive({ tag: 'iq', attrs: { type: 'result' }, content: [usync] });
      const devices = users.flatMap((jid) => (known[jid] ?? []).map((device) => ({ user: userOf(jid), jid: device })));
      for (const { user } of devices)
        await lists.cache.set(
          user,
          devices.filter((device) => device.user === user),
        );
      return devices;
    },
    assertSessions: async () => true,
    validateSession: async () => ({ exists: keys }),
  };
  return { lists, asked, queries };
}

const userOf = (jid: string) => jid.split('@')[0] ?? '';
const both = { [OWN]: [OWN], [FRIEND]: [FRIEND, '628111:2@s.whatsapp.net'] };

test('devices are asked for once, also by questions at the same time', async () => {
  const { lists, asked, queries } = createServer(both);
  await Promise.all([lists.ensure(queries, [FRIEND, OWN], FRIEND), lists.ensure(queries, [FRIEND, OWN], FRIEND)]);
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.equal(asked.length, 1);
  assert.ok(lists.hasDevices(FRIEND));
  lists.forget(FRIEND);
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.deepEqual(asked[1], [FRIEND]);
});

test('an unanswered question is a failure, and is asked again', async () => {
  const { lists, asked, queries } = createServer(both, { answers: false });
  for (let count = 1; count <= 2; count += 1) {
    await assert.rejects(lists.ensure(queries, [FRIEND, OWN], FRIEND), unanswered);
    assert.equal(asked.length, count);
  }
});

test('whom an answer leaves out has no devices', async () => {
  const { lists, queries } = createServer({ [OWN]: [OWN] });
  await lists.ensure(queries, [FRIEND, OWN]);
  assert.equal(lists.hasDevices(FRIEND), false);
  assert.ok(lists.hasDevices(OWN));
});

test('devices without keys are a failure, and are asked for again', async () => {
  const { lists, asked, queries } = createServer(both, { keys: false });
  for (let count = 1; count <= 2; count += 1) {
    await assert.rejects(lists.ensure(queries, [FRIEND, OWN], FRIEND), unanswered);
    assert.equal(asked.length, count);
  }
});

test('in a relay a list that is not known is a failure; elsewhere Baileys may ask by itself', async () => {
  const { lists, queries } = createServer(both);
  const read = async () => await lists.cache.mget?.(['628111', '628100']);
  assert.deepEqual(await read(), { '628100': undefined, '628111': undefined });
  await assert.rejects(lists.relaying(read), unanswered);
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.equal(Object.keys((await lists.relaying(read)) ?? {}).length, 2);
});

test('hosted devices, which have no keys, are not asked for keys', async () => {
  const { lists, queries } = createServer({ [OWN]: [OWN], [FRIEND]: [FRIEND, '628111:99@hosted'] });
  const asked: string[] = [];
  queries.assertSessions = async (jids) => {
    asked.push(...jids);
    return true;
  };
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.deepEqual(asked, [FRIEND, OWN]);
});

test('devices are asked for again after minutes; a relay that began before uses what it knows', async () => {
  let now = 0;
  const { lists, asked, queries } = createServer({ [OWN]: [OWN], [FRIEND]: [FRIEND] }, { now: () => now });
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  now = 6 * 60 * 1000;
  const known = await lists.relaying(async () => await lists.cache.mget?.([userOf(FRIEND), userOf(OWN)]));
  assert.deepEqual(Object.values(known ?? {}).filter(Array.isArray).length, 2);
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.equal(asked.length, 2);
});

test('somebody who is named twice is asked for once', async () => {
  const { lists, asked, queries } = createServer({ [OWN]: [OWN] });
  await lists.ensure(queries, [OWN, OWN], OWN);
  assert.deepEqual(asked, [[OWN]]);
});

test('several are learnt by one question; who has no devices stays unknown', async () => {
  const { lists, asked, queries } = createServer(both);
  const stranger = '628999@s.whatsapp.net';
  assert.deepEqual(await lists.learn(queries, [OWN, FRIEND, stranger]), new Set([OWN, FRIEND]));
  assert.deepEqual(asked, [[OWN, FRIEND, stranger]]);
  await lists.ensure(queries, [FRIEND, OWN], FRIEND);
  assert.deepEqual(await lists.learn(queries, [OWN, FRIEND]), new Set([OWN, FRIEND]));
  assert.equal(asked.length, 1);
});

test('nobody is learnt from an unanswered question, nor without keys', async () => {
  for (const broken of [{ answers: false }, { keys: false }]) {
    const { lists, queries } = createServer(both, broken);
    assert.deepEqual(await lists.learn(queries, [OWN, FRIEND]), new Set());
    assert.equal(lists.hasDevices(FRIEND), false);
  }
  const { lists, queries } = createServer(both);
  const failing = { ...queries, assertSessions: () => Promise.reject(new Error('406')) };
  await assert.rejects(lists.learn(failing, [OWN, FRIEND]));
  assert.equal(lists.hasDevices(FRIEND), false, 'devices without keys count for nothing');
});
