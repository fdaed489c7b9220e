import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient, waitForAck, waitForUpdate } from './baileys-client.fixture.ts';
import { startLinkedClient } from './linked-client.fixture.ts';

test('only registered numbers are on WhatsApp', async (t) => {
  const { friend, socket } = await startLinkedClient(t);
  assert.deepEqual(await socket.onWhatsApp(friend.jid, '6281199999999@s.whatsapp.net'), [
    { jid: friend.jid, exists: true },
  ]);
});

test('a device list names the phone and its companions, and teaches the LID', async (t) => {
  const { friend, socket } = await startLinkedClient(t, { companions: 1 });
  const devices = await socket.getUSyncDevices([friend.jid, '6281199999999@s.whatsapp.net'], false, false);
  assert.deepEqual(
    devices.map(({ jid }) => jid),
    [friend.jid, `${friend.number}:1@s.whatsapp.net`],
  );
  assert.equal(await socket.signalRepository.lidMapping.getLIDForPN(friend.jid), friend.lid);
  const byLid = await socket.getUSyncDevices([friend.lid], false, false);
  assert.deepEqual(
    byLid.map(({ jid }) => jid),
    [friend.lid, `${friend.lid.split('@')[0]}:1@lid`],
  );
});

test('group metadata carries members and timer, and is answered to members only', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t);
  const members = [own.number, friend.number];
  const mine = simulator.addGroup({ subject: 'Mine', members, ephemeralSeconds: 604_800 });
  const theirs = simulator.addGroup({ subject: 'Theirs', members: [friend.number] });
  const metadata = await socket.groupMetadata(mine.jid);
  assert.deepEqual([metadata.subject, metadata.ephemeralDuration, metadata.addressingMode], ['Mine', 604_800, 'lid']);
  assert.deepEqual(
    metadata.participants.map(({ id, phoneNumber }) => [id, phoneNumber]),
    [
      [own.lid, own.jid],
      [friend.lid, friend.jid],
    ],
  );
  assert.deepEqual(Object.keys(await socket.groupFetchAllParticipating()), [mine.jid]);
  await assert.rejects(socket.groupMetadata(theirs.jid), { data: 403 });
  await assert.rejects(socket.groupMetadata('120363000000000000@g.us'), { data: 404 });
});

test('a message to a group one is not in, or that does not exist, is refused', async (t) => {
  const { simulator, own, friend, auth, socket } = await startLinkedClient(t);
  const group = simulator.addGroup({ subject: 'Mine', members: [own.number, friend.number] });
  const stale = await socket.groupMetadata(group.jid);
  await socket.end(undefined);
  group.members.delete(own.number);
  const again = await openClient(simulator, auth, { cachedGroupMetadata: async (id) => ({ ...stale, id }) });
  t.after(() => again.end(undefined));
  for (const [to, error] of [
    [group.jid, '403'],
    ['120363000000000000@g.us', '404'],
  ] as const) {
    const acked = waitForAck(again, error);
    await again.sendMessage(to, { text: 'to nobody' }, { messageId: error });
    assert.equal((await acked)['error'], error);
  }
  assert.equal(simulator.stats().messages.nacked, 2);
  assert.deepEqual(friend.received, []);
});

test('a timelocked account can write to the people it knows only, and is told so', async (t) => {
  const { simulator, own, friend, socket } = await startLinkedClient(t);
  const stranger = simulator.addPhone({ number: '6281100000003' });
  await socket.sendMessage(friend.jid, { text: 'before' });
  await friend.waitFor(({ caption }) => caption === 'before');
  const told = waitForUpdate(socket, ({ reachoutTimeLock }) => reachoutTimeLock !== undefined);
  const until = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
  simulator.setReachoutTimelock(own.number, until);
  assert.equal((await told).reachoutTimeLock?.isActive, true);
  assert.equal((await socket.fetchAccountReachoutTimelock()).timeEnforcementEnds?.getTime(), until);
  const send = async (to: string, messageId: string) => {
    const acked = waitForAck(socket, messageId);
    await socket.sendMessage(to, { text: messageId }, { messageId });
    return (await acked)['error'];
  };
  assert.equal(await send(stranger.jid, 'A'), '463');
  assert.equal(await send(stranger.lid, 'B'), '463');
  assert.equal(await send(friend.jid, 'C'), undefined);
  simulator.setReachoutTimelock(own.number, 0);
  assert.equal(await send(stranger.jid, 'D'), undefined);
  assert.equal((await socket.fetchAccountReachoutTimelock()).isActive, false);
});
