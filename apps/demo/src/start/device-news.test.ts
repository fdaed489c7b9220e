import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDeviceNews } from './device-news.ts';

const line = (fields: object) => JSON.stringify({ level: 'info', name: 'worker', ...fields });

test("a change of a device's connection is told with its reason, everything else is not", () => {
  const lost = {
    msg: 'connection changed',
    device_id: 'd1',
    from: 'connected',
    to: 'disconnected',
    reason: 'no network',
  };
  assert.equal(toDeviceNews(line(lost)), 'Device d1 is not connected (disconnected: no network)');
  const back = { msg: 'connection changed', device_id: 'd1', from: 'connecting', to: 'connected' };
  assert.equal(toDeviceNews(line(back)), 'Device d1 is connected');
  assert.equal(toDeviceNews(line({ msg: 'ready' })), undefined);
  assert.equal(toDeviceNews('"connection changed" in a broken line'), undefined);
});
