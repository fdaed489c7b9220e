import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { MediaConnection } from './media-connection.ts';

const host = { tag: 'host', attrs: { hostname: 'media.example:444' } };

function createConnection(attrs: Record<string, string>) {
  let asked = 0;
  const connection = new MediaConnection(async (): Promise<BinaryNode> => {
    asked += 1;
    return { tag: 'iq', attrs: {}, content: [{ tag: 'media_conn', attrs, content: [host] }] };
  });
  return { connection, asked: () => asked };
}

test('media servers that ask for no right are used', async () => {
  const { connection } = createConnection({ ttl: '60' });
  assert.deepEqual(await connection.get(), { hosts: ['media.example:444'], auth: '' });
});

for (const [ttl, times] of [
  ['60', 1],
  ['0', 2],
  ['never', 2],
] as const) {
  test(`an answer with the lifetime "${ttl}" is asked for ${times} time(s) by two uploads`, async () => {
    const { connection, asked } = createConnection({ auth: 'a', ttl });
    await connection.get();
    await connection.get();
    assert.equal(asked(), times);
  });
}
