import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
before(async () => {
  stack = await startStack();
  await stack.pair('my-device', '6280000000001');
});
after(() => stack.stop());

test('an image travels from curl to a phone’s screen', async () => {
  const phone = stack.simulator.addPhone({ number: '6281234567890' });
  const image = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#369' } })
    .jpeg()
    .toBuffer();
  const answer = await sendImage(stack.url, 'my-device', {
    phone: '6281234567890@s.whatsapp.net',
    caption: 'Check out this amazing photo!',
    image,
  });
  assert.deepEqual([answer.status, answer.code], [200, 'SUCCESS']);
  const received = await phone.waitFor((message) => message.id === answer.results['message_id']);
  assert.equal(received.error, undefined);
  assert.equal(received.caption, 'Check out this amazing photo!');
  assert.equal(received.sha256, createHash('sha256').update(image).digest('hex'));
});
