import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRedisUrl, parseClusterUrl } from './redis-url.ts';

test('a cluster is named by some of its nodes, with one user and password for all', () => {
  assert.deepEqual(parseClusterUrl('redis+cluster://a:7000,10.0.0.1:7001,[::1]:7002,b/'), {
    nodes: [
      { host: 'a', port: 7000 },
      { host: '10.0.0.1', port: 7001 },
      { host: '::1', port: 7002 },
      { host: 'b', port: 6379 },
    ],
    tls: false,
  });
  assert.deepEqual(parseClusterUrl('rediss+cluster://me:p%40s:s@a:1'), {
    nodes: [{ host: 'a', port: 1 }],
    tls: true,
    username: 'me',
    password: 'p@s:s',
  });
  assert.deepEqual(parseClusterUrl('redis+cluster://:secret@a:1'), {
    nodes: [{ host: 'a', port: 1 }],
    tls: false,
    password: 'secret',
  });
});

test('the URL of one server names no cluster', () => {
  for (const url of ['redis://a:1', 'rediss://me:secret@a:1/2']) {
    assert.equal(parseClusterUrl(url), undefined);
    assert.ok(isRedisUrl(url), url);
  }
});

test('a URL that names neither is refused', () => {
  assert.ok(isRedisUrl('redis+cluster://a:1,b:2'));
  const bad = ['', 'a:1', 'http://a', 'redis+cluster://', 'redis+cluster://a:1,', 'redis+cluster://a:1,b:port'];
  for (const url of [...bad, 'redis+cluster://a:1/3', 'redis+cluster:a', 'redis+cluster://%zz:x@a:1']) {
    assert.equal(isRedisUrl(url), false, url);
  }
});
