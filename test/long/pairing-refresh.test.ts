import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readConnection, request, untilConnection } from '../support/api.ts';
import { readEvents, type ServerSentEvent } from '../support/server-sent-events.ts';
import { type Stack, startStack } from '../support/stack.ts';

/** WhatsApp gives a login six QRs: the first lasts a minute, each later one 20 s. */
const QRS = 6;
const FIRST_QR_MS = 60_000;
let stack: Stack;

before(async () => {
  stack = await startStack();
});
after(() => stack.stop());

test('a login that nobody scans shows six QRs, each once the former is void, then fails; a new one can be begun', async () => {
  await request(stack.url, 'POST', '/devices', { device_id: 'shop' });
  const events: (ServerSentEvent & { at: number })[] = [];
  for await (const event of readEvents(`${stack.url}/devices/shop/login/stream`)) {
    events.push({ ...event, at: Date.now() });
    const shown = events.filter((earlier) => earlier.event === 'qr');
    if (event.event === 'qr' && shown.length === 2) {
      const [first] = shown;
      assert.ok((shown[1]?.at ?? 0) - (first?.at ?? 0) > FIRST_QR_MS - 3_000);
    }
  }
  const qrs = events.filter(({ event }) => event === 'qr').map(({ fields }) => String(fields['qr']));
  assert.equal(new Set(qrs).size, QRS);
  assert.equal(events.at(-1)?.event, 'failed');
  assert.equal((await readConnection(stack.url, 'shop')).state, 'unpaired');
  const phone = stack.simulator.addPhone({ number: '6280000000001' });
  await assert.rejects(phone.scan(qrs.at(-1) ?? ''));
  await phone.scan(String((await request(stack.url, 'GET', '/devices/shop/login')).results['qr']));
  await untilConnection(stack.url, 'shop', 'connected');
});
