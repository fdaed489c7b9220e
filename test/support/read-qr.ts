import assert from 'node:assert/strict';
import jsqr from 'jsqr';
import type { Locator } from 'playwright-core';
import { PNG } from 'pngjs';

/** Reads the QR in an image off the screen, as a phone's camera does. */
export async function readQrOffScreen(image: Locator): Promise<string> {
  await image.waitFor();
  const { data, width, height } = PNG.sync.read(await image.screenshot());
  const found = jsqr.default(new Uint8ClampedArray(data), width, height);
  assert.ok(found, 'no QR can be read off the screen');
  return found.data;
}
