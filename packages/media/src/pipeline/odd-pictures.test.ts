import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '@postern/contract';
import sharp from 'sharp';
import { colourAt, noise, quarters } from '../sample-images.ts';
import { createImageProcessor } from './image-processor.ts';
import { toPngChunk, walkPng } from './png-chunks.ts';
import { prepareImage } from './prepare-image.ts';

const AS_IS = { compress: false, hd: false, viewOnce: false };
const EOI = Buffer.from([0xff, 0xd9]);
const picture = await quarters(320, 200);

describe('a JPEG', () => {
  it('that lacks nothing but its end marker gets one', async () => {
    for (const progressive of [false, true]) {
      const whole = await noise(600, 400).jpeg({ progressive }).toBuffer();
      const { bytes, notes } = await prepareImage(whole.subarray(0, -2), AS_IS);
      assert.deepEqual(bytes, whole);
      assert.deepEqual(notes, ['end of file added']);
    }
  });

  it('whose data end early is refused, with an end marker or without', async () => {
    for (const progressive of [false, true]) {
      const whole = await noise(600, 400).jpeg({ progressive }).toBuffer();
      const half = whole.subarray(0, whole.byteLength / 2);
      for (const cut of [half, Buffer.concat([half, EOI])]) {
        for (const options of [AS_IS, { ...AS_IS, compress: true }]) {
          const refused = (error: unknown) =>
            error instanceof Failure &&
            error.code === 'IMAGE_PROCESSING_FAILED' &&
            error.details['reason'] === 'cut_off';
          await assert.rejects(prepareImage(cut, options), refused);
        }
      }
    }
  });

  it('with stray bytes around its data is sent', async () => {
    const whole = await noise(600, 400).jpeg({ progressive: true }).toBuffer();
    const padded = Buffer.concat([whole.subarray(0, -2), Buffer.alloc(40), EOI]);
    assert.deepEqual((await prepareImage(padded, AS_IS)).notes, []);
  });
});

describe('an animation', async () => {
  const blank = await sharp({ create: { width: 320, height: 200, channels: 3, background: '#fff' } })
    .png()
    .toBuffer();
  const shows = await picture.clone().png().toBuffer();
  const animate = (frames: Buffer[]) => sharp(frames, { join: { animated: true } });

  it('that begins with an empty frame becomes the first one that shows something', async () => {
    for (const bytes of [
      await animate([blank, shows]).gif().toBuffer(),
      await animate([blank, shows]).webp().toBuffer(),
    ]) {
      const prepared = await prepareImage(bytes, AS_IS);
      const [red, green] = await colourAt(prepared.bytes, 0.25, 0.25);
      assert.ok(red > 150 && green < 100, `${red} ${green}`);
      assert.deepEqual(prepared.notes, ['one frame only', 're-encoded']);
    }
  });

  it('that begins with a picture becomes that one, and says so', async () => {
    const { notes } = await prepareImage(await animate([shows, blank]).gif().toBuffer(), AS_IS);
    assert.deepEqual(notes, ['first frame only', 're-encoded']);
  });

  it('of empty frames only is empty', async () => {
    const { notes, width } = await prepareImage(
      await animate([blank, blank]).gif({ keepDuplicateFrames: true }).toBuffer(),
      AS_IS,
    );
    assert.deepEqual([notes, width], [['first frame only', 're-encoded'], 320]);
  });
});

describe('a PNG', () => {
  it('whose EXIF stands behind its pixels is turned', async () => {
    const turned = await picture.clone().withMetadata({ orientation: 6 }).png().toBuffer();
    const chunks = [...walkPng(turned)];
    const exif = chunks.find(({ type }) => type === 'eXIf');
    assert.ok(exif);
    const others = chunks.filter((chunk) => chunk !== exif);
    const late = Buffer.concat([
      turned.subarray(0, 8),
      ...others.slice(0, -1).map(({ bytes }) => bytes),
      toPngChunk('eXIf', exif.data),
      toPngChunk('IEND', Buffer.alloc(0)),
    ]);
    const prepared = await prepareImage(late, AS_IS);
    assert.deepEqual([prepared.width, prepared.height, prepared.notes], [200, 320, ['turned', 're-encoded']]);
  });
});

describe('a WebP', () => {
  it('of one colour is sent, however few its bytes are', async (t) => {
    const create = { width: 4100, height: 4100, channels: 3 as const, background: '#3060a0' };
    const bytes = await sharp({ create }).webp({ lossless: true }).toBuffer();
    assert.ok(bytes.byteLength < 1700);
    const processor = createImageProcessor();
    t.after(() => processor.stop());
    const { width, notes } = await processor.prepare(bytes, AS_IS);
    assert.deepEqual([width, notes], [4100, ['re-encoded']]);
  });
});

describe('what must be encoded again', () => {
  /** Soft shapes with a little grain, as cameras see the world. */
  const photo = async () => {
    const shapes = await noise(60, 40).png().toBuffer();
    const grain = await noise(1800, 1200).png().toBuffer();
    return sharp(await sharp(shapes).resize(1800, 1200, { kernel: 'cubic' }).png().toBuffer())
      .composite([{ input: await sharp(grain).ensureAlpha(0.06).png().toBuffer() }])
      .removeAlpha();
  };

  for (const quality of [75, 85, 92]) {
    it(`is as large as before when a JPEG of quality ${quality} is turned, and as good`, async () => {
      const upright = await photo();
      const given = await upright.clone().withMetadata({ orientation: 6 }).jpeg({ quality }).toBuffer();
      const { bytes, notes } = await prepareImage(given, AS_IS);
      assert.deepEqual(notes, ['turned', 're-encoded']);
      const growth = bytes.byteLength / given.byteLength;
      assert.ok(growth < 1.15, `${growth.toFixed(2)} times the size`);
      const [before, after] = [await sharp(given).rotate().raw().toBuffer(), await sharp(bytes).raw().toBuffer()];
      const error = before.reduce((sum, value, at) => sum + Math.abs(value - (after[at] ?? 0)), 0) / before.byteLength;
      assert.ok(error < 2, `differs by ${error.toFixed(2)} a sample`);
    });
  }

  for (const quality of [60, 80, 95]) {
    it(`a lossy WebP of quality ${quality} becomes a JPEG of the same quality`, async () => {
      const given = await (await photo()).webp({ quality }).toBuffer();
      const { bytes } = await prepareImage(given, AS_IS);
      const growth = bytes.byteLength / given.byteLength;
      assert.ok(growth < 3, `${growth.toFixed(2)} times the size`);
    });
  }
});
