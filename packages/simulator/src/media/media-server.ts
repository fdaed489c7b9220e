import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lifetime, withLifetime } from '@postern/runtime';
import type { FaultBook } from '../faults/fault-book.ts';
import { MediaAuth } from './media-auth.ts';
import { readOrCreateMediaCertificate } from './media-certificate.ts';
import { MediaRefusal } from './media-refusal.ts';
import { MediaStore } from './media-store.ts';
import { receiveUpload } from './upload.ts';

export interface MediaServerOptions {
  faults: Pick<FaultBook, 'take'>;
  /** Default 127.0.0.1; the certificate is valid for it and for localhost only. */
  host?: string;
  /** Default 0, a free port. */
  port?: number;
  /** Where the certificate is kept across restarts. Default: a temporary directory, removed on stop. */
  certificateDirectory?: string;
  /** Uploads kept in memory; beyond it the least recently used are forgotten. Default 256 MiB. */
  maxStoredBytes?: number;
  /** A larger upload is answered by 413. Default 64 MiB. */
  maxUploadBytes?: number;
}

export interface MediaServer {
  /** `127.0.0.1:PORT`, the hostname the `w:m` query hands out. */
  host: string;
  /** PEM of the authority to trust: NODE_EXTRA_CA_CERTS of a process, or its text as `ca` of an agent. */
  certificatePath: string;
  certificatePem: string;
  /** The `auth` of the `w:m` answer to this device (full JID). */
  issueAuth(device: string): string;
  /** What an HTTPS GET of this direct path answers, without the network. Throws a MediaRefusal with the status. */
  download(directPath: string, device?: string): Buffer;
  stats(): { uploads: number; downloads: number; bytes: number };
  stop(): Promise<void>;
}

const MIB = 2 ** 20;

/** Starts the simulated media server: HTTPS uploads checked against their hash, downloads by direct path. */
export function startMediaServer(options: MediaServerOptions): Promise<MediaServer> {
  return withLifetime((lifetime) => start(options, lifetime));
}

async function start(options: MediaServerOptions, lifetime: Lifetime): Promise<MediaServer> {
  const directory =
    options.certificateDirectory ??
    lifetime.use(await mkdtemp(join(tmpdir(), 'simulated-media-')), (path) => rm(path, { recursive: true }));
  const { certificate, authorityPath } = await readOrCreateMediaCertificate(directory);
  const auth = new MediaAuth();
  const store = new MediaStore(options.maxStoredBytes ?? 256 * MIB);
  const stopping = lifetime.use(new AbortController(), (controller) => controller.abort(new Error('stopping')));
  const rawSockets = new Map<number, Socket>();
  let host = '';
  let uploads = 0;
  let downloads = 0;

  const download = (directPath: string, device?: string): Buffer => {
    const rule = options.faults.take('download_refuse', { device });
    if (rule) throw new MediaRefusal(rule.status ?? 404, 'refused by a fault rule');
    const hash = /^\/v\/([\w-]{43})\.enc(?:\?|$)/.exec(directPath)?.[1];
    const body = hash === undefined ? undefined : store.get(hash);
    if (!body) throw new MediaRefusal(404, 'no such media, or no longer kept');
    downloads += 1;
    return body;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', `https://${host}`);
    if (request.method === 'GET') {
      const body = download(`${url.pathname}${url.search}`);
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length }).end(body);
      return;
    }
    if (request.method !== 'POST') throw new MediaRefusal(405, 'POST to upload, GET to download');
    const { remotePort = 0 } = request.socket;
    const parts = {
      auth,
      store,
      faults: options.faults,
      maxUploadBytes: options.maxUploadBytes ?? 64 * MIB,
      reset: () => rawSockets.get(remotePort)?.resetAndDestroy(),
    };
    const hash = await receiveUpload(request, url, parts, stopping.signal);
    uploads += 1;
    const directPath = `/v/${hash}.enc?ccb=11-4`;
    respondJson(response, 200, { url: `https://${host}${directPath}`, direct_path: directPath });
  };

  const server = createServer({ cert: certificate.leaf, key: certificate.leafKey, keepAliveTimeout: 60_000 });
  server.on('connection', (socket: Socket) => {
    const { remotePort = 0 } = socket;
    rawSockets.set(remotePort, socket);
    socket.once('close', () => rawSockets.delete(remotePort));
  });
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => refuse(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  lifetime.use(server, closeServer);
  host = `${options.host ?? '127.0.0.1'}:${(server.address() as AddressInfo).port}`;
  return {
    host,
    certificatePath: authorityPath,
    certificatePem: certificate.authority,
    issueAuth: (device) => auth.issue(device),
    download,
    stats: () => ({ uploads, downloads, bytes: store.bytes }),
    stop: () => lifetime.stop(),
  };
}

function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof MediaRefusal && !response.headersSent) {
    return respondJson(response, error.status, { error: error.message });
  }
  response.destroy();
}

function respondJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function closeServer(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
