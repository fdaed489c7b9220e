import assert from 'node:assert/strict';
import type { Phone } from '@postern/simulator';
import { createPicture, sha256 } from './distinct-picture.ts';
import { assertSent } from './message-status.ts';
import { sendImage } from './send-image.ts';
import type { Stack } from './stack.ts';
import { readUsage } from './usage.ts';

export interface Volume {
  deviceId: string;
  images: number;
  phones: number;
  /** POSTs waiting at once. */
  concurrency: number;
}

export interface VolumeReport {
  elapsedMs: number;
  /** Messages a second. */
  rate: number;
  /** CPU milliseconds a message, and resident memory in MB at the end. */
  gateway: { cpuMs: number; residentMb: number };
  worker: { cpuMs: number; residentMb: number };
}

/**
 * Sends that many different pictures in turn to phones that are new to the account, and asserts that each is answered 200
 * and stands on its phone once, decrypted and equal.
 */
export async function sendVolume(stack: Stack, volume: Volume): Promise<VolumeReport> {
  const phones = Array.from({ length: volume.phones }, (_, index) =>
    stack.simulator.addPhone({ number: String(6285000000000 + index) }),
  );
  const pictures: Buffer[] = [];
  for (let seed = 0; seed < volume.images; seed += 1) pictures.push(await createPicture(seed));
  const services = [stack.gateway, stack.worker];
  const before = await Promise.all(services.map(readUsage));
  const startedAt = performance.now();
  const sent = new Map<string, { phone: Phone; picture: Buffer }>();
  const waiting = pictures.entries();
  const post = async () => {
    for (const [index, picture] of waiting) {
      const phone = phones[index % phones.length];
      assert.ok(phone);
      const fields = { phone: phone.number, caption: `picture ${index}`, image: picture };
      sent.set(assertSent(await sendImage(stack.url, volume.deviceId, fields)), { phone, picture });
    }
  };
  await Promise.all(Array.from({ length: volume.concurrency }, post));
  const elapsedMs = Math.round(performance.now() - startedAt);
  const used = await Promise.all(services.map(readUsage));

  assert.equal(sent.size, volume.images);
  for (const [messageId, { phone, picture }] of sent) {
    const received = await phone.waitFor(({ id }) => id === messageId);
    assert.deepEqual([received.error, received.sha256, received.copies], [undefined, sha256(picture), 1]);
  }
  assert.equal(
    phones.reduce((sum, { received }) => sum + received.length, 0),
    volume.images,
  );
  const [gateway, worker] = used.map(({ cpuSeconds, residentMb }, index) => ({
    cpuMs: round((1000 * (cpuSeconds - (before[index]?.cpuSeconds ?? 0))) / volume.images),
    residentMb,
  }));
  assert.ok(gateway && worker);
  return { elapsedMs, rate: round((1000 * volume.images) / elapsedMs), gateway, worker };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
