import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const REDIS_URL = 'redis://127.0.0.1:6379';

test('only REDIS_URL is required, and the defaults are the documented ones', () => {
  const config = readConfig({ REDIS_URL });
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 3000);
  assert.equal(config.metricsPort, 9100);
  assert.equal(config.syncWaitMs, 25_000);
  assert.equal(config.deviceGraceMs, 60_000);
  assert.equal(config.queueTtlMs, 86_400_000);
  assert.deepEqual(config.credentials, []);
});

test('metrics and health are served where the API is, unless on a host of their own', () => {
  assert.equal(readConfig({ REDIS_URL }).metricsHost, '127.0.0.1');
  assert.equal(readConfig({ REDIS_URL, HOST: '::1' }).metricsHost, '::1');
  const apart = readConfig({ REDIS_URL, HOST: '::1', METRICS_HOST: '10.0.0.1' });
  assert.deepEqual([apart.host, apart.metricsHost], ['::1', '10.0.0.1']);
});

test('every bad variable is named at once, and no value is repeated', () => {
  const bad = { PORT: 'http', SYNC_WAIT_MS: '-1', API_KEYS: 'secretwithoutname', URL_ALLOW_PRIVATE: '10.0.0.0' };
  assert.throws(
    () => readConfig(bad),
    (error: Error) => {
      for (const name of ['REDIS_URL', 'PORT', 'SYNC_WAIT_MS', 'API_KEYS', 'URL_ALLOW_PRIVATE']) {
        assert.match(error.message, new RegExp(`\\b${name}:`));
      }
      assert.doesNotMatch(error.message, /secretwithoutname/);
      return true;
    },
  );
});

test('without credentials only a loopback address is served', () => {
  for (const HOST of ['127.0.0.1', 'localhost', '::1', '127.1.2.3']) readConfig({ REDIS_URL, HOST });
  for (const HOST of ['0.0.0.0', '::', '192.168.1.2', 'gateway', '127.0.0.1.example.com']) {
    assert.throws(() => readConfig({ REDIS_URL, HOST }), /HOST: without API_KEYS/);
    readConfig({ REDIS_URL, HOST, API_KEYS: 'a:a-long-enough-secret' });
    readConfig({ REDIS_URL, HOST, BASIC_AUTH: 'a:a-long-enough-password' });
  }
});
