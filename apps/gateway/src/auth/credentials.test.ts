import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthenticator } from './authenticator.ts';
import { parseApiKeys, parseBasicUsers, readApiKeysFile, sha256 } from './credentials.ts';

const presented = (apiKey?: string, authorization?: string) => ({ apiKey, authorization });
const basic = (pair: string) => presented(undefined, `Basic ${Buffer.from(pair).toString('base64')}`);

test('a key may be limited to devices and actions', () => {
  const [everything, limited] = parseApiKeys('admin:s3cret, shop:other:a|b@c:send|read');
  assert.equal(everything?.principal.devices, 'all');
  assert.deepEqual([...(everything?.principal.actions ?? [])], ['send', 'read', 'manage']);
  assert.deepEqual(limited?.principal.devices, new Set(['a', 'b@c']));
  assert.deepEqual([...(limited?.principal.actions ?? [])], ['send', 'read']);
});

test('what is no key is refused without being repeated', () => {
  for (const text of ['hunter2', ':hunter2', 'name:', 'a:b:c:d:hunter2', 'a:b:*:hunter2']) {
    assert.throws(
      () => parseApiKeys(text),
      (error: Error) => !error.message.includes('hunter2') && error.message !== '',
    );
  }
});

test('a key is taken as bearer token and as X-Api-Key, a user by Basic, and nothing else', () => {
  const authenticator = createAuthenticator([...parseApiKeys('admin:s3cret'), ...parseBasicUsers('ann:pass:word')]);
  assert.equal(authenticator.identify(presented('s3cret'))?.principal.name, 'admin');
  assert.equal(authenticator.identify(presented(undefined, 'Bearer s3cret'))?.principal.name, 'admin');
  assert.equal(authenticator.identify(presented(undefined, 'bearer  s3cret'))?.principal.name, 'admin');
  assert.equal(authenticator.identify(basic('ann:pass:word'))?.principal.name, 'ann');
  for (const wrong of [
    presented(),
    presented('s3cre'),
    presented('ann:pass:word'),
    basic('admin:s3cret'),
    basic('ann:'),
  ]) {
    assert.equal(authenticator.identify(wrong), undefined);
  }
});

test('a key file holds hashes, and a bad line is named by its number', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-keys-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keys');
  await writeFile(path, `# comment\n\nshop:${sha256('s3cret').toString('hex')}:a\n`);
  const authenticator = createAuthenticator(await readApiKeysFile(path));
  assert.equal(authenticator.identify(presented('s3cret'))?.principal.name, 'shop');
  await writeFile(path, 'shop:plaintextsecret\n');
  await assert.rejects(readApiKeysFile(path), /line 1: expected a SHA-256/);
});
