import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { type Bench, connect, type OpenedSession, sendTo, startLinked } from './linked-session.fixture.ts';
import { numberOf, PAIRING_WORDINGS, type Rewrite, WORDINGS } from './other-servers.fixture.ts';

async function assertSends({ simulator, own }: Bench, { session }: OpenedSession, friend: Phone): Promise<void> {
  for (const { lid, jid } of [own, friend]) numberOf.set(lid, jid);
  const group = simulator.addGroup({ subject: 'Both', members: [own.number, friend.number] });
  for (const to of [friend.lid, friend.number, group.jid]) {
    const { message, acknowledgedAt } = await sendTo(session, to);
    const got = await friend.waitFor(({ id }) => id === message.messageId);
    assert.deepEqual([got.error, got.caption], [undefined, 'a caption'], to);
    assert.ok(Math.abs(acknowledgedAt - Date.now()) < 60_000, `acknowledged at ${acknowledgedAt}`);
  }
}

test('servers that word things differently are sent through, to a number, a LID and a group', async (t) => {
  let wording: Rewrite = (node) => node;
  const bench = await startLinked(t, { simulator: { rewrite: (node) => wording(node) } });
  let { opened } = bench;
  let strangers = 0;
  for (const [name, rewrite] of Object.entries(WORDINGS)) {
    await t.test(`one that ${name}`, async () => {
      await opened.session.close();
      wording = rewrite;
      // A new session and a new friend, of whom nothing is known yet.
      opened = await connect(bench);
      strangers += 1;
      await assertSends(bench, opened, bench.simulator.addPhone({ number: String(6281200000000 + strangers) }));
    });
  }
});

for (const [name, rewrite] of Object.entries(PAIRING_WORDINGS)) {
  test(`a server that ${name} is paired with and sent through`, async (t) => {
    const bench = await startLinked(t, { simulator: { rewrite } });
    await assertSends(bench, bench.opened, bench.friend);
  });
}

test('a server that knows no contacts is asked for devices', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  simulator.faults.add({ kind: 'iq_error', xmlns: 'usync', error: 501 });
  const { message } = await sendTo(opened.session, friend.number);
  await friend.waitFor(({ id }) => id === message.messageId);
});

test('logging out does not wait for an answer that never comes', async (t) => {
  const { simulator, opened } = await startLinked(t, { queryTimeoutMs: 30_000 });
  simulator.faults.add({ kind: 'iq_silence', xmlns: 'md', count: null });
  await opened.session.logout();
  assert.equal((await opened.until('closed', 1000)).reason, 'logged_out');
});
