import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRedisUrl, parseRedisUrl } from './redis-url.ts';

test('a cluster is named by some of its nodes, with one user and password for all', () => {
  assert.deepEqual(parseRedisUrl('redis+cluster://a:7000,10.0.0.1:7001,[::1]:7002,b/'), {
    kind: 'cluster',
    nodes: [
      { host: 'a', port: 7000 },
      { host: '10.0.0.1', port: 7001 },
      { host: '::1', port: 7002 },
      { host: 'b', port: 6379 },
    ],
    tls: false,
    credentials: {},
  });
  assert.deepEqual(parseRedisUrl('rediss+cluster://me:p%40s:s@a:1'), {
    kind: 'cluster',
    nodes: [{ host: 'a', port: 1 }],
    tls: true,
    credentials: { username: 'me', password: 'p@s:s' },
  });
  assert.deepEqual(parseRedisUrl('redis+cluster://:secret@a:1'), {
    kind: 'cluster',
    nodes: [{ host: 'a', port: 1 }],
    tls: false,
    credentials: { password: 'secret' },
  });
});

test('sentinels are named with the master they watch, and have credentials of their own', () => {
  assert.deepEqual(parseRedisUrl('redis+sentinel://a,b:7001/mymaster'), {
    kind: 'sentinel',
    nodes: [
      { host: 'a', port: 26_379 },
      { host: 'b', port: 7001 },
    ],
    tls: false,
    credentials: {},
    masterName: 'mymaster',
    db: 0,
    sentinelCredentials: {},
  });
  const whole = 'rediss+sentinel://me:p%40ss@a:1/my%20master/3?sentinel_username=s&sentinel_password=q%26s';
  assert.deepEqual(parseRedisUrl(whole), {
    kind: 'sentinel',
    nodes: [{ host: 'a', port: 1 }],
    tls: true,
    credentials: { username: 'me', password: 'p@ss' },
    masterName: 'my master',
    db: 3,
    sentinelCredentials: { username: 's', password: 'q&s' },
  });
});

test('the URL of one server is left as it is', () => {
  for (const url of ['redis://a:1', 'rediss://me:secret@a:1/2']) {
    assert.deepEqual(parseRedisUrl(url), { kind: 'server', url });
    assert.ok(isRedisUrl(url), url);
  }
});

test('a URL that names none of these is refused', () => {
  assert.ok(isRedisUrl('redis+cluster://a:1,b:2'));
  const bad = ['', 'a:1', 'http://a', 'redis+cluster://', 'redis+cluster://a:1,', 'redis+cluster://a:1,b:port'];
  const badClusters = ['redis+cluster://a:1/3', 'redis+cluster:a', 'redis+cluster://%zz:x@a:1', 'redis+other://a:1'];
  const badSentinels = ['redis+sentinel://a:1', 'redis+sentinel://a:1/m/x', 'redis+sentinel://a:1/m?password=x'];
  for (const url of [...bad, ...badClusters, ...badSentinels]) assert.equal(isRedisUrl(url), false, url);
});
