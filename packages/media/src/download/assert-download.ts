import assert from 'node:assert/strict';
import { Failure } from '@postern/contract';
import { noise } from '../sample-images.ts';
import { type DownloadOptions, downloadImage } from './download-image.ts';

export const ALLOWED: DownloadOptions = { allowPrivate: ['127.0.0.1/32'], timeoutMs: 5000, maxRedirects: 3 };
/** What the test servers deliver: 640 by 480 pixels. */
export const jpeg = await noise(640, 480).jpeg().toBuffer();

/** Expects the download to fail so; the query's secret is in no message. */
export async function assertFails(
  url: string,
  expected: { code?: string; retryable: boolean; message: RegExp },
  options: Partial<DownloadOptions> = {},
): Promise<void> {
  const failing = downloadImage(`${url}${url.includes('?') ? '&' : '?'}token=sekrit`, { ...ALLOWED, ...options });
  await assert.rejects(failing, (error: unknown) => {
    assert.ok(error instanceof Failure, String(error));
    assert.match(error.message, expected.message);
    assert.deepEqual([error.code, error.retryable], [expected.code ?? 'IMAGE_DOWNLOAD_FAILED', expected.retryable]);
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /sekrit|127\.0\.0\.2/);
    return true;
  });
}
