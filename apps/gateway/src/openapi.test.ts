import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { FAILURES, Failure, type SendImageJob } from '@postern/contract';
import { createFailedJobs, createPairingQrs } from '@postern/registry';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.ts';
import { samplePng } from './testing/sample-png.ts';
import { PHONE, toForm } from './testing/send-form.ts';
import { startWorkerDouble, type WorkerDouble } from './testing/worker-double.ts';

interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: object; example?: unknown }> }>;
}
interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { enum?: string[] }>; responses: Operation['responses'] };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const source = await readFile(new URL('../openapi.yaml', import.meta.url), 'utf8');
const description = parse(source) as Description;
const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(description, 'openapi');

let tested: GatewayUnderTest;
let worker: WorkerDouble;
let settle: (job: SendImageJob) => Promise<unknown>;
before(async () => {
  tested = await startGatewayUnderTest({ API_KEYS: 'admin:key-secret-for-tests,viewer:view-secret-for-tests:*:read' });
  await tested.addDevice('phone');
  await tested.addDevice('fresh', { state: 'unpaired' }, null);
  worker = await startWorkerDouble(tested, {
    deviceId: 'phone',
    settle: (job) => settle(job),
    async onCommand({ name, device_id }) {
      if (name === 'login') await createPairingQrs(tested.redis, tested.keys).show(device_id, '2@qr', 20_000);
      return { results: name === 'pair_code' ? { pair_code: 'ABCD1234' } : {} };
    },
  });
});
after(async () => {
  await worker.stop();
  await tested.stop();
});

const operations = Object.entries(description.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => method in item).map((method) => `${method} ${path}`),
);

/** `/a/{b}` and the escapes of JSON pointers. */
const pointerTo = (...names: string[]) =>
  `openapi#/${names.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;

test('the description and the server have the same routes', () => {
  const served = tested.gateway.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual(served.toSorted(), operations.toSorted());
});

test('the description lists every failure code', () => {
  assert.deepEqual(description.components.schemas['FailureCode']?.enum, Object.keys(FAILURES));
});

/** What a `#/…` reference leads to. */
function follow(reference: string): unknown {
  const names = reference.split('/').slice(1);
  return names.reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], description);
}

/** Calls back for every object of the description with the names that lead to it. */
function visitAll(visit: (node: Record<string, unknown>, path: string[]) => void): void {
  const walk = (node: unknown, path: string[]) => {
    if (typeof node !== 'object' || node === null) return;
    visit(node as Record<string, unknown>, path);
    for (const [name, child] of Object.entries(node)) walk(child, [...path, name]);
  };
  walk(description, []);
}

test('every reference leads somewhere and every example fits its schema', () => {
  const assertFits = (value: unknown, ...path: string[]) => {
    assert.ok(ajv.validate({ $ref: pointerTo(...path) }, value), `${path.join('.')}: ${ajv.errorsText()}`);
  };
  visitAll((node, path) => {
    if (typeof node['$ref'] === 'string') assert.ok(follow(node['$ref']), node['$ref']);
    if ('schema' in node && 'example' in node) assertFits(node['example'], ...path, 'schema');
    // A schema's own examples are a list; a body's would be an object.
    if (Array.isArray(node['examples'])) for (const value of node['examples']) assertFits(value, ...path);
    else assert.ok(!('examples' in node), `${path.join('.')}: examples of a body are not checked; use example`);
  });
});

test('no parameter has an example, which the page would send without being asked to', () => {
  visitAll((node, path) => {
    if ('in' in node && 'schema' in node) assert.ok(!('example' in node || 'examples' in node), path.join('.'));
  });
});

/** Calls the server and holds its answer against what the description says about that status. */
async function assertDescribed(method: string, template: string, path: string, init: RequestInit, status: number) {
  const headers = { 'x-api-key': 'key-secret-for-tests', ...(init.headers as Record<string, string> | undefined) };
  const response = await fetch(tested.url + path, { ...init, method: method.toUpperCase(), headers });
  const body: unknown = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  const described = description.paths[template]?.[method]?.responses[String(status)];
  assert.ok(described, `${method} ${template} does not describe ${status}`);
  const base = described.$ref?.replace('#/', '').split('/') ?? ['paths', template, method, 'responses', String(status)];
  const isValid = ajv.validate({ $ref: pointerTo(...base, 'content', 'application/json', 'schema') }, body);
  assert.ok(isValid, `${method} ${template} ${status}: ${ajv.errorsText()} in ${JSON.stringify(body)}`);
  return body as { results: Record<string, unknown> };
}

test('sends are answered as described', async () => {
  const send = (status: number, init: RequestInit = {}) => {
    const body = toForm({ phone: PHONE, image: samplePng() });
    const headers = { 'x-device-id': 'phone', ...(init.headers as Record<string, string> | undefined) };
    return assertDescribed('post', '/send/image', '/send/image', { body, ...init, headers }, status);
  };
  settle = (job) => tested.messages.markSent(job.device_id, job.message_id, Date.now());
  const sent = await send(200);
  await send(202, { headers: { prefer: 'respond-async' } });
  await send(400, { body: toForm({ phone: '0' }) });
  await send(401, { headers: { 'x-api-key': 'wrong' } });
  await send(403, { headers: { 'x-api-key': 'view-secret-for-tests' } });
  await send(404, { headers: { 'x-device-id': 'nobody' } });
  await send(500, { headers: { 'x-device-id': 'fresh' } });
  settle = (job) => {
    const failure = new Failure('WA_REACHOUT_TIMELOCK', 'not now', { retryAfterSeconds: 60 });
    return tested.messages.markFailed(job.device_id, job.message_id, failure);
  };
  await send(429);
  settle = (job) => tested.messages.markSent(job.device_id, job.message_id, Date.now());
  const headers = { 'idempotency-key': 'one' };
  const body = toForm({ phone: PHONE, image: samplePng() });
  assert.deepEqual((await send(200, { headers, body })).results, (await send(200, { headers, body })).results);
  await send(409, { headers });
  const path = '/messages/{message_id}';
  const sentPath = `/messages/${String(sent.results['message_id'])}`;
  await assertDescribed('get', path, sentPath, {}, 200);
  await assertDescribed('get', path, '/messages/3EB0', {}, 404);
  await assertDescribed('get', '/messages', '/messages?limit=3', {}, 200);
  await assertDescribed('get', '/messages', '/messages?limit=0', {}, 400);
  await assertDescribed('delete', path, sentPath, {}, 409);
  await assertDescribed('post', `${path}/retry`, `${sentPath}/retry`, {}, 400);
  await assertDescribed('post', `${path}/retry`, '/messages/3EB0/retry', {}, 404);
});

test('a failed message that is kept, and a cancelled one, are answered as described', async () => {
  settle = async (job) => {
    await createFailedJobs(tested.redis, tested.keys, { ttlMs: 60_000 }).keep(job);
    const failure = new Failure('SEND_FAILED', 'refused', { details: { reason: 479 } });
    return tested.messages.markFailed(job.device_id, job.message_id, failure);
  };
  const send = (headers: Record<string, string>, status: number) => {
    const body = toForm({ phone: PHONE, image: samplePng() });
    return assertDescribed('post', '/send/image', '/send/image', { body, headers }, status);
  };
  const failed = await send({ 'x-device-id': 'phone' }, 500);
  const path = `/messages/${String(failed.results['message_id'])}`;
  settle = (job) => tested.messages.markSent(job.device_id, job.message_id, Date.now());
  const retried = await assertDescribed('post', '/messages/{message_id}/retry', `${path}/retry`, {}, 200);
  const one = '/messages/{message_id}';
  await assertDescribed('get', one, `/messages/${String(retried.results['message_id'])}`, {}, 200);
  await tested.addDevice('silent');
  const queued = await send({ 'x-device-id': 'silent', prefer: 'respond-async' }, 202);
  await assertDescribed('delete', one, `/messages/${String(queued.results['message_id'])}`, {}, 200);
});

test('devices and pairing are answered as described', async () => {
  const one = '/devices/{device_id}';
  await assertDescribed('get', '/devices', '/devices', {}, 200);
  await assertDescribed('post', '/devices', '/devices', {}, 200);
  const json = (value: unknown) => ({ body: JSON.stringify(value), headers: { 'content-type': 'application/json' } });
  await assertDescribed('post', '/devices', '/devices', json({ device_id: '/' }), 400);
  await assertDescribed('post', '/devices', '/devices', json({ device_id: 'phone' }), 409);
  await assertDescribed('get', one, '/devices/phone', {}, 200);
  await assertDescribed('get', one, '/devices/nobody', {}, 404);
  await assertDescribed('patch', one, '/devices/phone', json({ pace: { max: 20, window_ms: 60_000 } }), 200);
  await assertDescribed('patch', one, '/devices/phone', json({ pace: { max: 20 } }), 400);
  await assertDescribed('get', one, '/devices/phone', {}, 200);
  await assertDescribed('get', `${one}/status`, '/devices/phone/status', {}, 200);
  await assertDescribed('get', `${one}/login`, '/devices/fresh/login', {}, 200);
  await assertDescribed('get', `${one}/login`, '/devices/phone/login', {}, 409);
  await assertDescribed('get', `${one}/login/stream`, '/devices/phone/login/stream', {}, 409);
  await assertDescribed('get', `${one}/login/qr.png`, '/devices/fresh/login/qr.png', {}, 404);
  await assertDescribed('post', `${one}/login/code`, '/devices/fresh/login/code?phone=628123456789', {}, 200);
  await assertDescribed('post', `${one}/login/code`, '/devices/fresh/login/code', {}, 400);
  await assertDescribed('post', `${one}/logout`, '/devices/phone/logout', {}, 200);
  await assertDescribed('post', `${one}/reconnect`, '/devices/phone/reconnect', {}, 200);
  const named = (deviceId: string) => ({ headers: { 'x-device-id': deviceId } });
  await assertDescribed('get', '/app/devices', '/app/devices', {}, 200);
  await assertDescribed('get', '/app/status', '/app/status', named('phone'), 200);
  await assertDescribed('get', '/app/status', '/app/status', {}, 400);
  await assertDescribed('get', '/app/login', '/app/login', named('fresh'), 200);
  await assertDescribed('get', '/app/login', '/app/login', named('phone'), 409);
  const byCode = '/app/login-with-code';
  await assertDescribed('get', byCode, `${byCode}?phone=628123456789`, named('fresh'), 200);
  await assertDescribed('get', '/app/logout', '/app/logout', named('phone'), 200);
  await assertDescribed('get', '/app/reconnect', '/app/reconnect', named('nobody'), 404);
  await assertDescribed('get', '/user/check', '/user/check?phone=628123456789', named('phone'), 200);
  await assertDescribed('get', '/user/check', '/user/check', named('phone'), 400);
  await assertDescribed('delete', one, '/devices/phone', {}, 200);
  await assertDescribed('post', '/session', '/session', json({ key: 'key-secret-for-tests' }), 200);
  await assertDescribed('post', '/session', '/session', json({ key: 'wrong' }), 401);
});

test('lanes and their commands are answered as described', async () => {
  await tested.addDevice('lane');
  const body = toForm({ phone: PHONE, image: samplePng() });
  const headers = { 'x-device-id': 'lane', prefer: 'respond-async' };
  const queued = await assertDescribed('post', '/send/image', '/send/image', { body, headers }, 202);
  const messageId = String(queued.results['message_id']);
  await tested.messages.markFailed(
    'lane',
    messageId,
    new Failure('SEND_FAILED', 'refused', { details: { reason: 479 } }),
  );
  const viewer = { headers: { 'x-api-key': 'view-secret-for-tests' } };
  await assertDescribed('get', '/lanes', '/lanes', viewer, 200);
  await assertDescribed('get', '/lanes', '/lanes', { headers: { 'x-api-key': 'wrong' } }, 401);
  for (const command of ['pause', 'resume', 'purge']) {
    const path = `/lanes/{device_id}/${command}`;
    await assertDescribed('post', path, `/lanes/lane/${command}`, {}, 200);
    await assertDescribed('post', path, `/lanes/nobody/${command}`, {}, 404);
    await assertDescribed('post', path, `/lanes/lane/${command}`, viewer, 403);
  }
  await assertDescribed('get', '/events', '/events', { headers: { 'x-api-key': 'wrong' } }, 401);
  await assertDescribed('delete', '/session', '/session', {}, 200);
});

test('health, readiness and the description itself are served without a key', async () => {
  await assertDescribed('get', '/healthz', '/healthz', {}, 200);
  await assertDescribed('get', '/readyz', '/readyz', {}, 200);
  const response = await fetch(`${tested.url}/openapi.yaml`);
  assert.match(String(response.headers.get('content-type')), /^application\/yaml/);
  assert.equal(await response.text(), source);
});
