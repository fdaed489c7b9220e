import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from '../support/api.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { type ListedMetric, readMetricsPage } from '../support/metrics-page.ts';
import { type Family, scrape, total } from '../support/scrape.ts';
import { sendImage, sendImageJson } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const DEVICE = 'shop';
const LEASE_TTL_MS = 1_000;
const page = readMetricsPage();
let stack: Stack;
let gateway: Map<string, Family>;
let worker: Map<string, Family>;

/** Everything that is counted happens at least once. */
async function runMixed(): Promise<void> {
  const friend = stack.simulator.addPhone({ number: '6281234567890' });
  const image = await createPicture();
  const send = (fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    sendImage(stack.url, DEVICE, { phone: friend.number, image, ...fields }, headers);
  const key = { 'Idempotency-Key': 'once' };
  const ok = [await send({ compress: 'true' }, key), await send({ compress: 'true' }, key), await send()];
  stack.simulator.faults.add({ kind: 'nack', error: 503, to: friend.number });
  ok.push(await send({ caption: 'refused once' }));
  assert.deepEqual(
    ok.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal((await sendImage(stack.url, DEVICE, { phone: '6289999999999', image })).code, 'INVALID_JID');
  assert.equal((await sendImageJson(stack.url, DEVICE, { phone: friend.number })).status, 400);
  stack.simulator.faults.add({ kind: 'drop_ack', to: friend.number });
  assert.equal((await send({}, { Prefer: 'wait=1' })).status, 202);
  await waitUntil('the ack that was lost has been waited for', async () => {
    return total(await scrape(stack.worker), 'postern_attempts_failed_total', { code: 'ACK_TIMEOUT' }) === 1;
  });
  await request(stack.url, 'POST', `/devices/${DEVICE}/reconnect`);
  await waitUntil('the device has reconnected and everything has settled', async () => {
    const families = await scrape(stack.worker);
    const isConnected = total(families, 'postern_devices', { state: 'connected' }) === 1;
    const isIdle = total(families, 'postern_messages_in_hand') === 0;
    return isConnected && isIdle && total(families, 'postern_messages_total', { outcome: 'sent' }) === 4;
  });
}

before(async () => {
  stack = await startStack({
    // Only the acks shall end a message.
    simulator: { autoReceipts: 'none' },
    workerEnv: { ACK_TIMEOUT_MS: '1500', SEND_BACKOFF_MS: '50', LEASE_TTL_MS: String(LEASE_TTL_MS) },
  });
  await stack.pair(DEVICE, '6280000000001');
  await runMixed();
  [gateway, worker] = await Promise.all([scrape(stack.gateway), scrape(stack.worker)]);
});
after(() => stack.stop());

const isOf = (app: 'gateway' | 'worker') => (metric: ListedMetric) => metric.of === app || metric.of === 'both';

for (const app of ['gateway', 'worker'] as const) {
  test(`the ${app} exports every metric that docs/metrics.md lists for it, and no other`, () => {
    const families = app === 'gateway' ? gateway : worker;
    const listed = page.filter(isOf(app));
    assert.deepEqual([...families.keys()].toSorted(), listed.map(({ name }) => name).toSorted());
    for (const { name, type, labels } of listed) {
      const family = families.get(name);
      assert.equal(family?.type, type, name);
      const used = family.samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== 'le');
      // libuv's requests are gone before anybody can look.
      const isEmpty = name === 'nodejs_active_requests' || name === 'nodejs_gc_duration_seconds';
      if (!isEmpty || used.length > 0) assert.deepEqual([...new Set(used)].toSorted(), labels.toSorted(), name);
      // The lag is of the time since the last scrape, which may have been a moment ago.
      const isKnown = ({ value }: { value: number }) => value >= 0 || /_lag_(mean|stddev)_/.test(name);
      assert.ok(family.samples.every(isKnown), name);
    }
  });
}

test('each metric of ours says what happened', () => {
  const expected: [Map<string, Family>, string, Record<string, string>, (value: number) => boolean][] = [
    [gateway, 'postern_http_requests_total', { route: '/send/image', status: '200', method: 'POST' }, (n) => n === 4],
    [gateway, 'postern_http_requests_total', { route: '/send/image', status: '202' }, (n) => n === 1],
    [gateway, 'postern_http_requests_total', { route: '/send/image', status: '400' }, (n) => n === 2],
    [gateway, 'postern_http_request_seconds', { route: '/send/image' }, (n) => n === 7],
    [gateway, 'postern_authentication_failures_total', { result: 'wrong' }, (n) => n === 0],
    [gateway, 'postern_authentication_failures_total', { result: 'refused' }, (n) => n === 0],
    [gateway, 'postern_messages_accepted_total', {}, (n) => n === 5],
    [gateway, 'postern_admissions_refused_total', {}, (n) => n === 0],
    [gateway, 'postern_idempotent_replays_total', {}, (n) => n === 1],
    [gateway, 'postern_answers_queued_total', {}, (n) => n === 1],
    [gateway, 'postern_upload_bytes_total', {}, (n) => n > 5_000],
    [gateway, 'postern_waiters', {}, (n) => n === 0],
    [gateway, 'postern_uploads_in_flight', {}, (n) => n === 0],
    [gateway, 'postern_event_streams', {}, (n) => n === 0],
    [gateway, 'postern_devices_registered', {}, (n) => n === 1],
    [gateway, 'postern_backlog_read_seconds', {}, (n) => n > 0 && n < 2],
    [gateway, 'postern_backlog_lanes', {}, (n) => n === 0],
    [gateway, 'postern_backlog_waiting', {}, (n) => n === 0],
    [gateway, 'postern_backlog_active', {}, (n) => n === 0],
    [gateway, 'postern_backlog_oldest_seconds', {}, (n) => n === 0],
    [gateway, 'postern_messages_unsettled', {}, (n) => n === 0],
    [gateway, 'postern_messages_cancelled_total', {}, (n) => n === 0],
    [gateway, 'postern_outcome_fallbacks_total', {}, (n) => n === 0],
    [gateway, 'postern_blobs_swept_total', {}, (n) => n === 0],
    [gateway, 'postern_unreadable_total', {}, (n) => n === 0],
    [worker, 'postern_jobs_dropped_total', {}, (n) => n === 0],
    [worker, 'postern_messages_total', { outcome: 'sent', code: 'SUCCESS' }, (n) => n === 4],
    [worker, 'postern_messages_total', { outcome: 'failed', code: 'INVALID_JID' }, (n) => n === 1],
    [worker, 'postern_message_attempts_total', { outcome: 'sent' }, (n) => n === 6],
    [worker, 'postern_attempts_failed_total', { code: 'SEND_FAILED' }, (n) => n === 1],
    [worker, 'postern_attempts_failed_total', { code: 'ACK_TIMEOUT' }, (n) => n === 1],
    [worker, 'postern_messages_in_hand', {}, (n) => n === 0],
    [worker, 'postern_devices', {}, (n) => n === 1],
    [worker, 'postern_disconnects_total', {}, (n) => n >= 2],
    [worker, 'postern_leases_total', { event: 'acquired' }, (n) => n === 1],
    [worker, 'postern_leases_total', { event: 'lost' }, (n) => n === 0],
    [worker, 'postern_uploads_total', { source: 'fresh' }, (n) => n >= 1],
    [worker, 'postern_uploads_total', { source: 'reused' }, (n) => n >= 1],
    [worker, 'postern_image_input_bytes_total', {}, (n) => n > 1_000],
    [worker, 'postern_image_output_bytes_total', {}, (n) => n > 1_000],
    [worker, 'postern_pictures_quarantined_total', {}, (n) => n === 0],
    [worker, 'postern_records_rebuilt_total', {}, (n) => n === 0],
    [worker, 'postern_key_write_seconds', { outcome: 'stored' }, (n) => n > 0],
    ...['queue_wait', 'fetch', 'process', 'lookup', 'upload', 'relay', 'ack'].map(
      (stage): (typeof expected)[number] => [worker, 'postern_stage_seconds', { stage }, (n) => n >= 1],
    ),
    ...[gateway, worker].flatMap((families): typeof expected => [
      [families, 'postern_redis_up', {}, (n) => n === 1],
      [families, 'postern_redis_problem', { problem: 'not_append_only' }, (n) => n === 0],
      [families, 'postern_redis_forgot_total', {}, (n) => n === 0],
      [families, 'postern_blob_store_up', {}, (n) => n === 1],
      [families, 'postern_redis_ping_seconds', {}, (n) => n >= 1],
      [families, 'postern_redis_memory_bytes', {}, (n) => n > 500_000],
      [families, 'postern_redis_memory_limit_bytes', {}, (n) => n > 10_000_000],
      [families, 'nodejs_eventloop_lag_p99_seconds', {}, (n) => n < 5],
      [families, 'process_resident_memory_bytes', {}, (n) => n > 20_000_000],
    ]),
  ];
  const ours = (names: string[]) => [...new Set(names)].filter((name) => name.startsWith('postern_')).toSorted();
  assert.deepEqual(ours(expected.map(([, name]) => name)), ours(page.map(({ name }) => name)));
  for (const [families, name, labels, isSensible] of expected) {
    const value = total(families, name, labels);
    assert.ok(value !== undefined && isSensible(value), `${name} ${JSON.stringify(labels)} is ${value}`);
  }
});

test('no metric has a label by device, recipient or message', () => {
  for (const families of [gateway, worker]) {
    const values = [...families.values()].flatMap(({ samples }) =>
      samples.flatMap(({ labels }) => Object.values(labels)),
    );
    assert.deepEqual(
      values.filter((value) => value === DEVICE || /\d{8,}|3EB0/.test(value)),
      [],
    );
  }
});

test('when every worker is dead, the gateway tells how many lanes have nobody, and for how long', async () => {
  stack.worker.kill('SIGKILL');
  await stack.worker.exited;
  const image = await createPicture();
  const answer = await sendImage(stack.url, DEVICE, { phone: '6281234567890', image }, { Prefer: 'respond-async' });
  assert.equal(answer.status, 202);
  const unowned = { condition: 'unowned' };
  const families = await waitUntil('the lane counts as unowned', async () => {
    const found = await scrape(stack.gateway);
    return total(found, 'postern_backlog_lanes', unowned) === 1 && found;
  });
  assert.equal(total(families, 'postern_backlog_waiting', unowned), 1);
  assert.equal(total(families, 'postern_messages_unsettled'), 1);
  const ageOf = (found: Map<string, Family>) => total(found, 'postern_backlog_oldest_seconds', unowned) ?? 0;
  const age = ageOf(families);
  await waitUntil('it grows older', async () => ageOf(await scrape(stack.gateway)) > Math.max(1, age));
  await request(stack.url, 'DELETE', `/messages/${String(answer.results['message_id'])}`);
  assert.equal(total(await scrape(stack.gateway), 'postern_messages_cancelled_total'), 1);
});

test('while Redis is away, the gateway says so, and that it does not know the backlog', async (t) => {
  process.kill(stack.redisServer.pid, 'SIGSTOP');
  t.after(() => process.kill(stack.redisServer.pid, 'SIGCONT'));
  const families = await waitUntil('Redis counts as down', async () => {
    const found = await scrape(stack.gateway);
    return total(found, 'postern_redis_up') === 0 && found;
  });
  assert.ok(Number.isNaN(total(families, 'postern_redis_memory_bytes')));
  const backlog = 'postern_backlog_lanes';
  await waitUntil('the backlog is unknown', async () => Number.isNaN(total(await scrape(stack.gateway), backlog)));
});
