import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import { imageOf, startBaileysReader } from '../support/baileys-reader.ts';
import { assertSent, untilState } from '../support/message-status.ts';
import { photo, sha256 } from '../support/pictures.ts';
import { type Answer, sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const OWN = '6280000000001';

let stack: Stack;
let own: Phone;
let members: Phone[];
let image: Buffer;
before(async () => {
  stack = await startStack();
  own = await stack.pair('my-device', OWN);
  members = [1, 2, 3].map((n) =>
    stack.simulator.addPhone({ number: `628120000000${n}`, companions: n - 1, name: `Member ${n}` }),
  );
  image = await photo(120, 80);
});
after(() => stack.stop());

const send = (phone: string, fields: Record<string, string> = {}): Promise<Answer> =>
  sendImage(stack.url, 'my-device', { phone, image, ...fields });

for (const addressing of ['lid', 'pn'] as const) {
  test(`every device of every member of a group (${addressing}) decrypts what is sent, again and again`, async () => {
    const numbers = [OWN, ...members.map(({ number }) => number)];
    const group = stack.simulator.addGroup({ subject: 'Friends', members: numbers, addressing });
    for (const caption of ['the first', 'the second']) {
      const id = assertSent(await send(group.jid, { caption }));
      for (const [index, member] of members.entries()) {
        const received = await member.waitFor((message) => message.id === id && message.decryptedBy === index + 1);
        const { chat, from, error } = received;
        assert.deepEqual([chat, from, received.caption, error], [group.jid, OWN, caption, undefined]);
        assert.equal(received.sha256, sha256(image));
      }
      const copy = await own.waitFor((message) => message.id === id);
      assert.deepEqual([copy.chat, copy.fromMe, copy.sha256], [group.jid, true, sha256(image)]);
    }
  });
}

test('a member who joins later reads what follows, and one who left reads nothing more', async () => {
  const [first, second] = members;
  const joined = stack.simulator.addPhone({ number: '6281200000009' });
  const numbers = [OWN, first?.number ?? '', second?.number ?? ''];
  const group = stack.simulator.addGroup({ subject: 'Changing', members: numbers });
  assertSent(await send(group.jid));
  stack.simulator.setGroupMembers(group.jid, [OWN, first?.number ?? '', joined.number]);
  const id = assertSent(await send(group.jid));
  for (const member of [first, joined]) {
    const received = await member?.waitFor((message) => message.id === id && message.type === 'image');
    assert.equal(received?.sha256, sha256(image));
  }
  assert.ok(!second?.received.some((message) => message.id === id));
});

test('a group without anybody else still gets its message', async () => {
  const group = stack.simulator.addGroup({ subject: 'Alone', members: [OWN] });
  const id = assertSent(await send(group.jid));
  await own.waitFor((message) => message.id === id);
});

test('delivered and read of a group mean its first participant', async () => {
  const numbers = [OWN, ...members.map(({ number }) => number)];
  const group = stack.simulator.addGroup({ subject: 'Readers', members: numbers });
  const id = assertSent(await send(group.jid));
  await untilState(stack.url, id, 'delivered');
  await members[1]?.waitFor((message) => message.id === id);
  members[1]?.read(id);
  const { delivered_at: deliveredAt, read_at: readAt } = await untilState(stack.url, id, 'read');
  assert.ok(Date.parse(String(deliveredAt)) > 0 && Date.parse(String(readAt)) > 0);
});

test('a real Baileys socket among the members reads the group’s message', async (t) => {
  const [first] = members;
  const group = stack.simulator.addGroup({ subject: 'Programs', members: [OWN, first?.number ?? ''] });
  const reader = await startBaileysReader(stack.simulator, first?.number ?? '');
  t.after(() => reader.stop());
  const id = assertSent(await send(group.jid, { view_once: '1', caption: 'to the group' }));
  const message = await reader.waitFor(id);
  assert.equal(message.key.remoteJid, group.jid);
  const { caption, viewOnce, fileSha256 } = imageOf(message);
  assert.deepEqual([caption, viewOnce], ['to the group', true]);
  assert.equal(Buffer.from(fileSha256 ?? []).toString('hex'), sha256(image));
});
