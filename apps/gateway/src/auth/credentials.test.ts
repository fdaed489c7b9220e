import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthenticator } from './authenticator.ts';
import { assertDistinct, parseApiKeys, parseBasicUsers, readApiKeysFile, sha256 } from './credentials.ts';

const presented = (apiKey?: string, authorization?: string) => ({ apiKey, authorization, address: '192.0.2.1' });
const SECRET = 'a-long-enough-secret';
const basic = (pair: string) => presented(undefined, `Basic ${Buffer.from(pair).toString('base64')}`);

test('a key may be limited to devices and actions', () => {
  const [everything, limited] = parseApiKeys(`admin:${SECRET}, shop:other-${SECRET}:a|b@c:send|read`);
  assert.equal(everything?.principal.devices, 'all');
  assert.deepEqual([...(everything?.principal.actions ?? [])], ['send', 'read', 'manage']);
  assert.deepEqual(limited?.principal.devices, new Set(['a', 'b@c']));
  assert.deepEqual([...(limited?.principal.actions ?? [])], ['send', 'read']);
});

test('what is no key is refused without being repeated', () => {
  for (const text of ['hunter2', ':hunter2', 'name:', `a:${SECRET}:c:d:hunter2`, `a:${SECRET}:*:hunter2`]) {
    assert.throws(
      () => parseApiKeys(text),
      (error: Error) => !error.message.includes('hunter2') && error.message !== '',
    );
  }
});

test('a key is taken as bearer token and as X-Api-Key, a user by Basic, and nothing else', () => {
  const authenticator = createAuthenticator([
    ...parseApiKeys(`admin:${SECRET}`),
    ...parseBasicUsers('ann:pass:word-with-colon'),
  ]);
  assert.equal(authenticator.identify(presented(SECRET))?.principal.name, 'admin');
  assert.equal(authenticator.identify(presented(undefined, `Bearer ${SECRET}`))?.principal.name, 'admin');
  assert.equal(authenticator.identify(presented(undefined, `bearer  ${SECRET}`))?.principal.name, 'admin');
  assert.equal(authenticator.identify(basic('ann:pass:word-with-colon'))?.principal.name, 'ann');
  for (const wrong of [
    presented(),
    presented(SECRET.slice(1)),
    presented('ann:pass:word-with-colon'),
    basic(`admin:${SECRET}`),
    basic('ann:'),
  ]) {
    assert.equal(authenticator.identify(wrong), undefined);
  }
});

test('a key file holds hashes, and a bad line is named by its number', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys');
  await writeFile(path, `# comment\n\nshop:${sha256(SECRET).toString('hex')}:a\n`);
  const authenticator = createAuthenticator(await readApiKeysFile(path));
  assert.equal(authenticator.identify(presented(SECRET))?.principal.name, 'shop');
  await writeFile(path, 'shop:plaintextsecret\n');
  await assert.rejects(readApiKeysFile(path), /line 1: expected a SHA-256/);
});

test('what is left out of a key means everything, what is empty nothing', () => {
  const rights = (item: string) => {
    const [key] = parseApiKeys(item);
    return [key?.principal.devices, [...(key?.principal.actions ?? [])].length];
  };
  assert.deepEqual(rights(`a:${SECRET}`), ['all', 3]);
  assert.deepEqual(rights(`a:${SECRET}:`), [new Set(), 3]);
  assert.deepEqual(rights(`a:${SECRET}::send`), [new Set(), 1]);
  assert.deepEqual(rights(`a:${SECRET}:*:`), ['all', 0]);
});

test('a secret that could be guessed is refused, of a key and of a user', () => {
  assert.throws(() => parseApiKeys('a:15-characters-x'), /fewer than 16 characters/);
  assert.throws(() => parseBasicUsers('ann:15-characters-x'), /fewer than 16 characters/);
  parseApiKeys('a:16-characters-xy');
});

test('two of one name, or of one secret, are refused', () => {
  const refused = (keys: string, users = '') => {
    assert.throws(() => assertDistinct([...parseApiKeys(keys), ...parseBasicUsers(users)]), { name: 'ConfigError' });
  };
  refused(`a:${SECRET}:shop,a:other-${SECRET}`);
  refused(`a:${SECRET}`, `a:other-${SECRET}`);
  refused(`a:${SECRET}:shop,b:${SECRET}`);
  assertDistinct([...parseApiKeys(`a:${SECRET}`), ...parseBasicUsers(`b:${SECRET}`)]);
});
