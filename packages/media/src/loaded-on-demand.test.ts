import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { pngHeader } from './inspect/sample-headers.ts';

const { cache } = createRequire(import.meta.url);
const hasHttpClient = () => Object.keys(cache).some((path) => path.includes('/node_modules/undici/'));

/** By its native library among those of this process. */
function hasImageLibrary(): boolean {
  const report: unknown = process.report.getReport();
  const objects: unknown = typeof report === 'object' && report !== null ? Reflect.get(report, 'sharedObjects') : [];
  return Array.isArray(objects) && objects.some((path) => String(path).includes('libvips'));
}

test('a process that only stores images loads neither the image library nor the HTTP client', async () => {
  const { createImageProcessor, downloadImage } = await import('./index.ts');
  assert.deepEqual([hasImageLibrary(), hasHttpClient()], [false, false]);

  const options = { compress: false, hd: false, viewOnce: false };
  await assert.rejects(createImageProcessor().prepare(pngHeader(60, 60), options), /cannot be decoded/);
  const download = { allowPrivate: ['127.0.0.0/8'], timeoutMs: 2000, maxRedirects: 0 };
  await assert.rejects(downloadImage('http://127.0.0.1:9/a.jpg', download), /127\.0\.0\.1/);
  assert.deepEqual([hasImageLibrary(), hasHttpClient()], [true, true]);
});
