import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Phone } from '@postern/simulator';
import sharp from 'sharp';
import { assertSent } from '../support/message-status.ts';
import {
  assertQuarters,
  assertShown,
  colourAt,
  noisyPhoto,
  padJpeg,
  photo,
  quarters,
  sha256,
} from '../support/pictures.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const MAX_BYTES = 16 * 1024 * 1024;

let stack: Stack;
let friend: Phone;
before(async () => {
  stack = await startStack();
  await stack.pair('my-device', '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
});
after(() => stack.stop());

async function show(image: Buffer, fields: Record<string, string> = {}) {
  const id = assertSent(await sendImage(stack.url, 'my-device', { phone: friend.number, image, ...fields }));
  return friend.waitFor((message) => message.id === id);
}

test('a plain JPEG arrives byte for byte, with a true thumbnail, size and type', async () => {
  const image = await photo(640, 480);
  const received = await show(image);
  await assertShown(received, { width: 640, height: 480, mimetype: 'image/jpeg' });
  assert.equal(received.sha256, sha256(image));
  const thumbnail = await sharp(received.thumbnail).metadata();
  assert.deepEqual([thumbnail.format, thumbnail.width, thumbnail.height], ['jpeg', 96, 72]);
  await assertQuarters(received.thumbnail, 40);
});

test('the place where a picture was taken does not travel; its pixels and colour profile do', async () => {
  const exif = { IFD3: { GPSLatitudeRef: 'S', GPSLatitude: '6/1 12/1 0/1' }, IFD0: { Make: 'Secret Camera' } };
  const image = await quarters().withExif(exif).withIccProfile('p3', { attach: true }).jpeg().toBuffer();
  assert.ok((await sharp(image).metadata()).exif, 'the sample has EXIF');
  const received = await show(image);
  const bytes = await assertShown(received, { width: 640, height: 480, mimetype: 'image/jpeg' });
  const { exif: sent, icc } = await sharp(bytes).metadata();
  assert.equal(sent, undefined);
  assert.ok(icc, 'the profile stays');
  assert.ok(!bytes.includes('Secret Camera'));
  const coded = (jpeg: Buffer) => sharp(jpeg, { ignoreIcc: true }).raw().toBuffer();
  assert.ok((await coded(bytes)).equals(await coded(image)), 'not a pixel was touched');
});

test('a picture that EXIF turns arrives upright', async () => {
  const turned = await quarters(640, 480).rotate(270).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const received = await show(turned);
  const bytes = await assertShown(received, { width: 640, height: 480, mimetype: 'image/jpeg' });
  assert.equal((await sharp(bytes).metadata()).orientation, undefined);
  await assertQuarters(bytes);
  await assertQuarters(received.thumbnail, 40);
});

test('a CMYK picture arrives as a JPEG in sRGB', async () => {
  const cmyk = await quarters().toColourspace('cmyk').jpeg().toBuffer();
  const bytes = await assertShown(await show(cmyk), { width: 640, height: 480, mimetype: 'image/jpeg' });
  assert.equal((await sharp(bytes).metadata()).space, 'srgb');
  assert.deepEqual(
    (await colourAt(bytes, 0.25, 0.25)).map((value) => value > 128),
    [true, false, false],
    'red stays red',
  );
});

test('a PNG stays a PNG with its alpha, whatever it is called', async () => {
  const create = { width: 200, height: 100, channels: 4 as const, background: { r: 200, g: 30, b: 30, alpha: 0.5 } };
  const image = await sharp({ create }).png().toBuffer();
  const received = await show(image, { filename: 'holiday.jpg' });
  const bytes = await assertShown(received, { width: 200, height: 100, mimetype: 'image/png' });
  const { hasAlpha } = await sharp(bytes).metadata();
  assert.equal(hasAlpha, true);
  const pixels = (png: Buffer) => sharp(png).raw().toBuffer();
  assert.ok((await pixels(bytes)).equals(await pixels(image)));
  assert.equal((await sharp(received.thumbnail).metadata()).format, 'jpeg');
});

test('of an animated GIF the first frame arrives, as a JPEG', async () => {
  const second = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const frames = [await quarters(320, 240).png().toBuffer(), second];
  const gif = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  assert.equal((await sharp(gif).metadata()).pages, 2);
  const bytes = await assertShown(await show(gif), { width: 320, height: 240, mimetype: 'image/jpeg' });
  await assertQuarters(bytes, 40);
});

test('a WebP arrives as a JPEG, its transparency on white', async () => {
  const hole = await sharp({ create: { width: 300, height: 300, channels: 4, background: '#0000' } })
    .composite([{ input: await quarters(150, 150).png().toBuffer(), left: 0, top: 0 }])
    .webp({ lossless: true })
    .toBuffer();
  const bytes = await assertShown(await show(hole), { width: 300, height: 300, mimetype: 'image/jpeg' });
  const corner = await colourAt(bytes, 0.9, 0.9);
  assert.ok(
    corner.every((value) => value > 250),
    `white, not ${corner.join()}`,
  );
});

test('compress shrinks the long edge to 1600, hd to 2560 with higher quality and over compress', async () => {
  const image = await noisyPhoto(3000, 1500);
  const small = await assertShown(await show(image, { compress: 'true' }), {
    width: 1600,
    height: 800,
    mimetype: 'image/jpeg',
  });
  const hd = { width: 2560, height: 1280, mimetype: 'image/jpeg' };
  const large = await assertShown(await show(image, { hd: 'on' }), hd);
  const both = await assertShown(await show(image, { hd: '1', compress: 'yes' }), hd);
  const whole = await assertShown(await show(image), { width: 3000, height: 1500, mimetype: 'image/jpeg' });
  assert.ok(small.length < large.length && large.length < whole.length);
  assert.equal(both.length, large.length);
  assert.equal(sha256(whole), sha256(image));
});

test('compress flattens a large PNG with alpha on white; nothing is enlarged, and nothing grows', async () => {
  const create = { width: 2000, height: 400, channels: 4 as const, background: '#0000' };
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 40 };
  const patch = await sharp({ create: { width: 1000, height: 400, channels: 3, background: '#000', noise } })
    .png()
    .toBuffer();
  const png = await sharp({ create })
    .composite([{ input: patch, left: 0, top: 0 }])
    .png()
    .toBuffer();
  const received = await show(png, { compress: 'TRUE' });
  const bytes = await assertShown(received, { width: 1600, height: 320, mimetype: 'image/jpeg' });
  assert.deepEqual(
    (await colourAt(bytes, 0.9, 0.5)).map((value) => value > 250),
    [true, true, true],
  );
  const tiny = await photo(64, 64);
  for (const option of ['compress', 'hd']) {
    const shown = await show(tiny, { [option]: 'true' });
    const kept = await assertShown(shown, { width: 64, height: 64, mimetype: 'image/jpeg' });
    assert.ok(kept.length <= tiny.length, option);
  }
});

test('exactly 16 MiB are accepted and travel; one byte more is refused', async () => {
  const plain = await photo();
  const received = await show(padJpeg(plain, MAX_BYTES));
  await assertShown(received, { width: 640, height: 480, mimetype: 'image/jpeg' });
  const larger = await sendImage(stack.url, 'my-device', {
    phone: friend.number,
    image: padJpeg(plain, MAX_BYTES + 1),
  });
  assert.deepEqual([larger.status, larger.code], [400, 'VALIDATION_ERROR']);
  assert.match(larger.message, /16777216/);
});

test('48 pixels are enough, 47 are not; a picture of 16000 by 48 arrives whole', async () => {
  await assertShown(await show(await photo(48, 48)), { width: 48, height: 48, mimetype: 'image/jpeg' });
  await assertShown(await show(await photo(16_000, 48)), { width: 16_000, height: 48, mimetype: 'image/jpeg' });
  for (const [width, height] of [
    [47, 48],
    [48, 47],
    [16_001, 48],
  ]) {
    const answer = await sendImage(stack.url, 'my-device', { phone: friend.number, image: await photo(width, height) });
    assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], `${width}×${height}`);
  }
});
