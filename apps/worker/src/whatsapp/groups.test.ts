import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupMetadata } from '@whiskeysockets/baileys';
import { Groups } from './groups.ts';

const GROUP = '120363000000000001@g.us';
const OWN = { jid: '628100:3@s.whatsapp.net', lid: '900100@lid' };
const HIDDEN = { jid: OWN.jid, lid: undefined };

type Participant = GroupMetadata['participants'][number];

const metadata = (...participants: Participant[]): GroupMetadata => ({
  id: GROUP,
  subject: 'A group',
  owner: undefined,
  participants,
});

const MEMBERSHIPS: [name: string, participant: Participant, own: typeof OWN | typeof HIDDEN, isMember: boolean][] = [
  ['our number', { id: '628100@s.whatsapp.net' }, OWN, true],
  ['our LID', { id: '900100@lid' }, OWN, true],
  ['our number beside a LID', { id: '900777@lid', phoneNumber: '628100@s.whatsapp.net' }, HIDDEN, true],
  ['our LID beside a number', { id: '628777@s.whatsapp.net', lid: '900100@lid' }, OWN, true],
  ['another LID alone', { id: '900200@lid' }, OWN, false],
  ['another LID alone, when ours is not known', { id: '900200@lid' }, HIDDEN, true],
  ['another number', { id: '628200@s.whatsapp.net' }, HIDDEN, false],
];
for (const [name, participant, own, isMember] of MEMBERSHIPS) {
  test(`a group that names ${name} ${isMember ? 'may be' : 'is not'} ours`, async () => {
    const got = new Groups().get(GROUP, async () => metadata(participant), own);
    if (isMember) await got;
    else await assert.rejects(got, { code: 'INVALID_JID' });
  });
}

test('a change that nobody told of is seen by the next message but those of the same burst', async () => {
  let now = 0;
  const groups = new Groups(() => now);
  const members: Participant[] = [{ id: '900100@lid' }];
  const count = async () => (await groups.get(GROUP, async () => metadata(...members), OWN)).participants.length;
  assert.equal(await count(), 1);
  members.push({ id: '900200@lid' });
  now = 5_000;
  assert.equal(await count(), 1);
  now = 15_000;
  assert.equal(await count(), 2);
  now = 60_000;
  assert.equal(groups.find(GROUP)?.participants.length, 2);
});
