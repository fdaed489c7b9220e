import { within } from '@postern/runtime';
import type { Agent, Dispatcher } from 'undici';
import { createImageInspector, type InspectedImage } from '../inspect/image-inspector.ts';
import { checkImageUrl, urlProblem } from './check-image-url.ts';
import { decodeBody } from './decode-body.ts';
import { downloadFailure, type Hop, statusFailure, transportFailure } from './download-failure.ts';
import type { HostBreaker } from './host-breaker.ts';
import { type ResolveHost, resolveBySystem } from './resolve-host.ts';

export interface DownloadOptions {
  /** CIDRs that may be fetched from although they are not public. */
  allowPrivate: readonly string[];
  /** For the whole download: look-ups, redirects and the last byte. */
  timeoutMs: number;
  maxRedirects: number;
  signal?: AbortSignal;
  /** Default: the host's resolver. */
  resolve?: ResolveHost;
  /** Default: `DEFAULT_USER_AGENT`. */
  userAgent?: string;
  /** Shared by the downloads that learn from each other. Default: none. */
  breaker?: HostBreaker;
}

/** The downloaded bytes and what they say about themselves. */
export interface DownloadedImage extends Omit<InspectedImage, 'bytes'> {
  bytes: Buffer;
}

/** Honest, and of the form that filters of image servers let pass. */
export const DEFAULT_USER_AGENT = 'Mozilla/5.0 (compatible; Postern)';
/** One that took all its time is not worth more than one other. */
const TIMED_OUT_ATTEMPTS = 2;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches an image from the public internet (and `allowPrivate`), whole or not at all.
 * Throws VALIDATION_ERROR when the URL or the delivered bytes break an image rule, IMAGE_DOWNLOAD_FAILED, with whether a
 * later attempt may succeed, for everything else; rejects with the signal's reason when it aborts.
 */
export async function downloadImage(url: string, options: DownloadOptions): Promise<DownloadedImage> {
  const { allowPrivate, timeoutMs, resolve = resolveBySystem, signal, breaker } = options;
  signal?.throwIfAborted();
  const first = checkImageUrl(url, allowPrivate);
  breaker?.enter(first.hostname);
  // The HTTP client (some 20 MB) is loaded by the first download: a gateway never needs it.
  const { createGuardedAgent } = await import('./guarded-agent.ts');
  const agent = createGuardedAgent({ allowPrivate, resolve, connectTimeoutMs: timeoutMs });
  try {
    const onTimeout = () => {
      breaker?.onSilence(first.hostname);
      const more = { maxAttempts: TIMED_OUT_ATTEMPTS };
      return downloadFailure(`it took longer than ${timeoutMs} ms`, true, undefined, more);
    };
    return await within(followRedirects(agent, first, options), timeoutMs, onTimeout, signal);
  } finally {
    // Ends whatever still runs after a timeout or an abort: connections, unread bodies, the abandoned walk itself.
    await agent.destroy();
  }
}

async function followRedirects(agent: Agent, first: URL, options: DownloadOptions): Promise<DownloadedImage> {
  let url = first;
  for (let redirects = 0; ; redirects += 1) {
    const hop = { hostname: url.hostname, isRedirect: redirects > 0 };
    const response = await request(agent, url, hop, options);
    options.breaker?.onAnswer(first.hostname);
    const location = REDIRECTS.has(response.statusCode) ? response.headers.location : undefined;
    if (location === undefined) return await readImage(response, hop);
    response.body.on('error', () => undefined).destroy();
    if (redirects === options.maxRedirects) {
      throw downloadFailure(`there were more than ${options.maxRedirects} redirects`, false);
    }
    url = redirectTarget(String(location), url, options.allowPrivate);
  }
}

function redirectTarget(location: string, base: URL, allowPrivate: readonly string[]): URL {
  if (!URL.canParse(location, base.href)) throw downloadFailure(`${base.hostname} redirects to an invalid URL`, false);
  const url = new URL(location, base);
  const problem = urlProblem(url, allowPrivate);
  if (problem) throw downloadFailure(`${base.hostname} redirects to a URL that ${problem}`, false);
  return url;
}

async function request(agent: Agent, url: URL, hop: Hop, options: DownloadOptions): Promise<Dispatcher.ResponseData> {
  const headers = {
    accept: 'image/jpeg, image/png, image/webp, image/gif;q=0.9, */*;q=0.1',
    'accept-encoding': 'identity',
    'user-agent': options.userAgent ?? DEFAULT_USER_AGENT,
  };
  try {
    return await agent.request({ origin: url.origin, path: url.pathname + url.search, method: 'GET', headers });
  } catch (error) {
    throw transportFailure(error, hop);
  }
}

/** Content-Type and the declared length are not asked: bytes decide, and are counted as they come. */
async function readImage({ statusCode, headers, body }: Dispatcher.ResponseData, hop: Hop): Promise<DownloadedImage> {
  const inspector = createImageInspector('image_url');
  const chunks: Buffer[] = [];
  try {
    if (statusCode < 200 || statusCode > 299) throw statusFailure(statusCode, headers['retry-after']?.toString(), hop);
    for await (const chunk of decodeBody(body, String(headers['content-encoding'] ?? ''), hop)) {
      inspector.push(chunk);
      chunks.push(chunk);
    }
  } catch (error) {
    body.on('error', () => undefined).destroy();
    throw transportFailure(error, hop);
  }
  return { ...inspector.finish(), bytes: Buffer.concat(chunks) };
}
