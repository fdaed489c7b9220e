import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { nameImageParts } from './nameless-image.ts';

const TYPE = 'multipart/form-data; boundary="a b"';
const form = (disposition: string, type = 'Content-Type: image/png\r\n') =>
  `--a b\r\nContent-Disposition: form-data; name="phone"\r\n\r\n62\r\n--a b\r\n${type}${disposition}\r\n\r\n\x89PNG\r\n--a\r\r\n-\r\n--a b--\r\n`;
const NAMELESS = 'Content-Disposition: form-data; name="image"';

/** The form as a parser gets it when it comes in pieces of this size. */
async function pass(body: string, size: number, contentType = TYPE): Promise<string> {
  const parser = new PassThrough({ encoding: 'latin1' });
  const received = text(parser);
  nameImageParts(parser, contentType);
  const bytes = Buffer.from(body, 'latin1');
  for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size));
  parser.end();
  return (await received).replace(/^\r\n/, '');
}

test('an image part without a file name gets one, wherever the form is cut', async () => {
  const body = form(NAMELESS);
  const expected = form(`${NAMELESS}; filename="image"`);
  for (let size = 1; size <= body.length; size += 1) assert.equal(await pass(body, size), expected, `${size}`);
});

test('every other form passes as it is', async () => {
  const others = [
    form('Content-Disposition: form-data; name="image"; filename="a.png"'),
    form('Content-Disposition: form-data; name="image"; filename*=utf-8\'\'a.png'),
    form('Content-Disposition: form-data; name="photo"'),
    form(NAMELESS, ''),
    form(NAMELESS, 'Content-Type: text/plain\r\n'),
    form('Content-Disposition'),
    `--a b\r\n${'x'.repeat(40_000)}\r\n\r\ny\r\n--a b--`,
    '--a b--\r\n',
    'no form',
    '',
  ];
  for (const body of others) {
    for (const size of [1, 7, 100_000]) assert.equal(await pass(body, size), body);
  }
  assert.equal(await pass(form(NAMELESS), 9, 'multipart/form-data'), form(NAMELESS));
});
