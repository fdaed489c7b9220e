import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FaultBook } from '../faults/fault-book.ts';
import { type MediaServer, startMediaServer } from './media-server.ts';

const DEVICE = '628111:1@s.whatsapp.net';

async function setUp(t: TestContext, options: { maxStoredBytes?: number; maxUploadBytes?: number } = {}) {
  const faults = new FaultBook();
  const server = await startMediaServer({ faults, ...options });
  t.after(() => server.stop());
  return { faults, server };
}

const hashOf = (body: Buffer) => createHash('sha256').update(body).digest('base64url');

async function send(server: MediaServer, method: string, path: string, body?: Buffer) {
  const agent = new Agent({ ca: server.certificatePem });
  const outgoing = request(`https://${server.host}${path}`, { method, agent });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await buffer(response) };
}

function upload(server: MediaServer, body: Buffer, hash = hashOf(body), token = hash, auth = server.issueAuth(DEVICE)) {
  return send(server, 'POST', `/mms/image/${hash}?auth=${encodeURIComponent(auth)}&token=${token}`, body);
}

test('Baileys uploads an image and gets the same bytes back', async (t) => {
  const { server } = await setUp(t);
  const fixture = fileURLToPath(import.meta.resolve('./baileys-round-trip.fixture.ts'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...process.execArgv.filter((arg) => !arg.startsWith('--test')), fixture, server.host, server.issueAuth(DEVICE)],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.certificatePath } },
  );
  const { equal, url, direct_path: directPath } = JSON.parse(stdout);
  assert.equal(equal, true);
  assert.equal(url, `https://${server.host}${directPath}`);
  const { uploads, downloads, bytes } = server.stats();
  assert.deepEqual([uploads, downloads], [1, 1]);
  assert.ok(bytes > 300_000);
});

test('a body that is not what the path says is refused and not kept', async (t) => {
  const { server } = await setUp(t);
  const refused = await upload(server, randomBytes(1_000), hashOf(randomBytes(10)));
  assert.equal(refused.status, 400);
  assert.match(refused.body.toString(), /SHA-256/);
  assert.deepEqual(server.stats(), { uploads: 0, downloads: 0, bytes: 0 });
});

test('a foreign auth, a wrong token, path or method is refused', async (t) => {
  const { server } = await setUp(t);
  const body = randomBytes(10);
  assert.equal((await upload(server, body, hashOf(body), hashOf(body), 'x.y')).status, 401);
  assert.equal((await upload(server, body, hashOf(body), 'other')).status, 401);
  assert.equal((await send(server, 'POST', '/mms/image/short', body)).status, 404);
  assert.equal((await send(server, 'PUT', '/mms/image/short', body)).status, 405);
  assert.equal((await send(server, 'GET', `/v/${hashOf(body)}.enc`)).status, 404);
});

test('a download by direct path returns the uploaded bytes, over HTTPS and in process', async (t) => {
  const { server } = await setUp(t);
  const body = randomBytes(70_000);
  const { direct_path: directPath } = JSON.parse((await upload(server, body)).body.toString());
  assert.ok((await send(server, 'GET', directPath)).body.equals(body));
  assert.ok(server.download(directPath).equals(body));
});

test('beyond the cap the media unused for longest is forgotten', async (t) => {
  const { server } = await setUp(t, { maxStoredBytes: 25_000, maxUploadBytes: 10_000 });
  const bodies = [1, 2, 3].map(() => randomBytes(10_000));
  const paths: string[] = [];
  for (const body of bodies) paths.push(JSON.parse((await upload(server, body)).body.toString()).direct_path);
  assert.equal(server.stats().bytes, 20_000);
  assert.throws(() => server.download(paths[0] ?? ''), { status: 404 });
  assert.ok(server.download(paths[2] ?? ''));
  assert.equal((await upload(server, randomBytes(10_001))).status, 413);
});

test('a refused upload has the asked status, once', async (t) => {
  const { faults, server } = await setUp(t);
  faults.add({ kind: 'upload_refuse', status: 507, device: '628111' });
  const body = randomBytes(500_000);
  assert.equal((await upload(server, body)).status, 507);
  assert.equal((await upload(server, body)).status, 200);
});

test('a reset upload fails at the sender', async (t) => {
  const { faults, server } = await setUp(t);
  faults.add({ kind: 'upload_reset' });
  await assert.rejects(upload(server, randomBytes(2_000_000)), /ECONNRESET|EPIPE|socket hang up/);
  assert.equal(server.stats().uploads, 0);
});

test('a hanging upload is not answered and does not keep the server from stopping', async (t) => {
  const { faults, server } = await setUp(t);
  faults.add({ kind: 'upload_hang', device: DEVICE });
  const hanging = upload(server, randomBytes(1_000));
  const failed = assert.rejects(hanging, /ECONNRESET|socket hang up/);
  const body = randomBytes(1_000);
  const other = server.issueAuth('628222:1@s.whatsapp.net');
  assert.equal((await upload(server, body, hashOf(body), hashOf(body), other)).status, 200);
  await server.stop();
  await failed;
});

test('a slow upload is answered all the same', async (t) => {
  const { faults, server } = await setUp(t);
  faults.add({ kind: 'upload_slow', delayMs: 50 });
  const started = performance.now();
  assert.equal((await upload(server, randomBytes(1_000))).status, 200);
  assert.ok(performance.now() - started >= 49);
});

test('a refused download has the asked status', async (t) => {
  const { faults, server } = await setUp(t);
  const { direct_path: directPath } = JSON.parse((await upload(server, randomBytes(100))).body.toString());
  faults.add({ kind: 'download_refuse', status: 410 });
  assert.equal((await send(server, 'GET', directPath)).status, 410);
  assert.equal((await send(server, 'GET', directPath)).status, 200);
});

test('a kept certificate outlives the server, a temporary one does not', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'simulated-media-test-'));
  t.after(() => rm(directory, { recursive: true }));
  const faults = new FaultBook();
  const first = await startMediaServer({ faults, certificateDirectory: directory });
  await first.stop();
  const second = await startMediaServer({ faults, certificateDirectory: directory });
  await second.stop();
  assert.equal(second.certificatePem, first.certificatePem);
  const temporary = await startMediaServer({ faults });
  await temporary.stop();
  await assert.rejects(access(temporary.certificatePath), /ENOENT/);
});
