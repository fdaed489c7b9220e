import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, toFrame } from './frame-reader.ts';

const text = (frames: Buffer[]) => frames.map(String);

test('frames are cut out wherever the stream is split', () => {
  const stream = Buffer.concat([
    Buffer.from([0x57, 0x41, 6, 3]),
    toFrame(Buffer.from('one')),
    toFrame(Buffer.from('two')),
  ]);
  for (let split = 0; split <= stream.length; split += 1) {
    const reader = new FrameReader();
    const frames = [...reader.push(stream.subarray(0, split)), ...reader.push(stream.subarray(split))];
    assert.deepEqual(text(frames), ['one', 'two']);
  }
});

test('routing information before the introduction is skipped', () => {
  const routing = Buffer.from('routing');
  const stream = Buffer.concat([
    Buffer.from([0x45, 0x44, 0, 1, 0, 0, routing.length]),
    routing,
    Buffer.from([0x57, 0x41, 6, 3]),
    toFrame(Buffer.from('one')),
  ]);
  assert.deepEqual(text(new FrameReader().push(stream)), ['one']);
});

test('a stream without an introduction is refused', () => {
  assert.throws(() => new FrameReader().push(Buffer.from('GET / HTTP/1.1')), /no introduction/);
});
