import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRecipient } from '@postern/contract';
import { outgoing, startLinked, testImage } from './linked-session.fixture.ts';

const failed = { code: 'UPLOAD_MEDIA_ERROR', retryable: true };

for (const kind of ['upload_refuse', 'upload_reset'] as const) {
  test(`media servers that fail once (${kind}) are asked again, with fresh rights`, async (t) => {
    const { simulator, opened } = await startLinked(t);
    simulator.faults.add({ kind, status: 500 });
    await opened.session.upload(testImage());
  });

  test(`media servers that go on failing (${kind}) are UPLOAD_MEDIA_ERROR, and the session lives on`, async (t) => {
    const { simulator, opened } = await startLinked(t);
    const fault = simulator.faults.add({ kind, status: 503, count: null });
    await assert.rejects(opened.session.upload(testImage(200_000)), failed);
    simulator.faults.remove(fault);
    await opened.session.upload(testImage());
    assert.equal(opened.session.state, 'connected');
  });
}

test('an upload that hangs is given up at its bound', async (t) => {
  const { simulator, opened } = await startLinked(t, { uploadTimeoutMs: 400 });
  simulator.faults.add({ kind: 'upload_hang', count: null });
  const started = performance.now();
  await assert.rejects(opened.session.upload(testImage()), failed);
  assert.ok(performance.now() - started < 2000);
});

test('an upload that hangs fails with its session', async (t) => {
  const { simulator, opened } = await startLinked(t);
  simulator.faults.add({ kind: 'upload_hang', count: null });
  const upload = assert.rejects(opened.session.upload(testImage()), { code: 'DEVICE_NOT_CONNECTED' });
  await opened.session.close();
  await upload;
});

test('one upload serves several messages, whole, also of several megabytes', async (t) => {
  const { simulator, friend, opened } = await startLinked(t);
  const image = testImage(5_000_001);
  const [route, uploaded] = await Promise.all([
    opened.session.lookUp(parseRecipient(friend.number)),
    opened.session.upload(image),
  ]);
  for (const caption of ['one', 'two']) {
    const message = outgoing(route, uploaded, { caption });
    await opened.session.send(message, () => {});
    const got = await friend.waitFor(({ id }) => id === message.messageId);
    assert.deepEqual([got.error, got.sha256, got.caption], [undefined, image.sha256, caption]);
  }
  assert.equal(simulator.stats().media.uploads, 1);
});
