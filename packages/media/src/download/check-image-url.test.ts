import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '@postern/contract';
import { refusalOf } from './address-rules.ts';
import { checkImageUrl } from './check-image-url.ts';

/** URLs that must never be fetched, with what the refusal says. */
const REFUSED: readonly (readonly [url: string, reason: RegExp])[] = [
  // IPv4 in every notation
  ['http://127.0.0.1/', /loopback/],
  ['http://127.1/', /loopback/],
  ['http://127.0.1/', /loopback/],
  ['http://127.255.255.254:8080/a.jpg', /loopback/],
  ['http://2130706433/', /loopback/],
  ['http://0x7f000001/', /loopback/],
  ['http://0x7f.0.0.1/', /loopback/],
  ['http://0x7F.1/', /loopback/],
  ['http://0177.0.0.1/', /loopback/],
  ['http://017700000001/', /loopback/],
  ['http://0177.0x0.0.1/', /loopback/],
  ['http://00000177.00.00.01/', /loopback/],
  ['http://127.0.0.1./', /loopback/],
  ['http://127。0。0。1/', /loopback/],
  ['http://①②⑦.⓪.⓪.①/', /loopback/],
  ['http://127.0.0.1/', /loopback/],
  ['http://%31%32%37.0.0.1/', /loopback/],
  ['http://0/', /unspecified/],
  ['http://0.0.0.0/', /unspecified/],
  ['http://0.1.2.3/', /unspecified/],
  ['http://10.0.0.1/', /private/],
  ['http://167772161/', /private/],
  ['http://012.0.0.1/', /private/],
  ['https://172.16.0.1/', /private/],
  ['https://172.31.255.255/', /private/],
  ['http://192.168.1.1/admin', /private/],
  ['http://0xc0a80101/', /private/],
  ['http://192.168.257/', /private/],
  ['http://100.64.0.1/', /private/],
  ['http://100.127.255.255/', /private/],
  ['http://169.254.169.254/latest/meta-data/', /metadata/],
  ['http://2852039166/', /metadata/],
  ['http://0xa9fea9fe/', /metadata/],
  ['http://0251.0376.0251.0376/', /metadata/],
  ['http://169.254.170.2/v2/credentials', /metadata/],
  ['http://100.100.100.200/', /metadata/],
  ['http://168.63.129.16/', /metadata/],
  ['http://192.0.0.192/', /metadata/],
  ['http://169.254.1.1/', /link-local/],
  ['http://192.0.0.8/', /reserved/],
  ['http://192.0.2.1/', /reserved/],
  ['http://192.88.99.1/', /reserved/],
  ['http://198.18.0.1/', /reserved/],
  ['http://198.19.255.255/', /reserved/],
  ['http://198.51.100.1/', /reserved/],
  ['http://203.0.113.1/', /reserved/],
  ['http://224.0.0.1/', /multicast/],
  ['http://239.255.255.250/', /multicast/],
  ['http://240.0.0.1/', /reserved/],
  ['http://255.255.255.255/', /reserved/],
  // IPv6, and IPv4 inside it
  ['http://[::]/', /unspecified/],
  ['http://[::1]/', /loopback/],
  ['http://[0:0:0:0:0:0:0:1]:80/', /loopback/],
  ['http://[0000:0000:0000:0000:0000:0000:0000:0001]/', /loopback/],
  ['http://[::ffff:127.0.0.1]/', /loopback/],
  ['http://[::ffff:7f00:1]/', /loopback/],
  ['http://[0:0:0:0:0:ffff:a9fe:a9fe]/', /metadata/],
  ['http://[::ffff:10.1.2.3]/', /private/],
  ['http://[::127.0.0.1]/', /reserved/],
  ['http://[::a9fe:a9fe]/', /reserved/],
  ['http://[::ffff:0:127.0.0.1]/', /reserved/],
  ['http://[64:ff9b::127.0.0.1]/', /loopback/],
  ['http://[64:ff9b::a9fe:a9fe]/', /metadata/],
  ['http://[64:ff9b:1::1]/', /private/],
  ['http://[2002:7f00:1::]/', /tunnelled/],
  ['http://[2002:a9fe:a9fe::1]/', /tunnelled/],
  ['http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/', /tunnelled/],
  ['http://[2606:4700::5efe:127.0.0.1]/', /tunnelled/],
  ['http://[2606:4700::200:5efe:a00:1]/', /tunnelled/],
  ['http://[fe80::1]/', /link-local/],
  ['http://[febf:ffff::1]/', /link-local/],
  ['http://[fec0::1]/', /private/],
  ['http://[fc00::1]/', /private/],
  ['http://[fd12:3456:789a::1]/', /private/],
  ['http://[fd00:ec2::254]/latest/', /metadata/],
  ['http://[ff02::1]/', /multicast/],
  ['http://[100::1]/', /reserved/],
  ['http://[2001:db8::1]/', /reserved/],
  ['http://[2001:2::1]/', /reserved/],
  ['http://[3fff::1]/', /reserved/],
  ['http://[5f00::1]/', /reserved/],
  ['http://[4000::1]/', /reserved/],
  ['http://[fe80::1%25eth0]/', /not a valid/],
  ['http://[fe80::1%eth0]/', /not a valid/],
  ['http://[::1%25lo]/', /not a valid/],
  // names of this host
  ['http://localhost/', /loopback/],
  ['http://LOCALHOST:3000/', /loopback/],
  ['http://localhost./', /loopback/],
  ['http://foo.localhost/', /loopback/],
  ['http://localhost.localdomain/', /loopback/],
  ['http://localhost6/', /loopback/],
  ['http://ip6-localhost/', /loopback/],
  ['http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/', /loopback/],
  ['http://loc%61lhost/', /loopback/],
  // other schemes, credentials, no URLs
  ['file:///etc/passwd', /scheme file:/],
  ['ftp://example.com/a.jpg', /scheme ftp:/],
  ['gopher://127.0.0.1:6379/_INFO', /scheme gopher:/],
  ['data:image/png;base64,iVBORw0KGgo=', /scheme data:/],
  ['blob:https://example.com/1', /scheme blob:/],
  ['javascript:alert(1)', /scheme javascript:/],
  ['ws://example.com/', /scheme ws:/],
  ['jar:http://example.com!/', /scheme jar:/],
  ['http://user:sekrit@example.com/a.jpg', /user name or password/],
  ['http://sekrit@example.com/a.jpg', /user name or password/],
  ['http://:sekrit@example.com/a.jpg', /user name or password/],
  ['http://example.com@127.0.0.1/', /user name or password/],
  ['http:\\\\127.0.0.1\\a.jpg', /loopback/],
  ['http:127.0.0.1', /loopback/],
  ['http:///127.0.0.1/', /loopback/],
  ['\thttp://127.0.0.1/', /loopback/],
  ['ht\ntp://127.0.0.1/', /loopback/],
  ['https:///example.com/a.jpg', /names no host/],
  ['https:example.com/a.jpg', /names no host/],
  ['https:\\\\example.com/a.jpg', /names no host/],
  ['//example.com/a.jpg', /not a valid/],
  ['example.com/a.jpg', /not a valid/],
  ['/etc/passwd', /not a valid/],
  ['http://', /not a valid/],
  ['http://256.256.256.256/', /not a valid/],
  ['http://1.2.3.4.5/', /not a valid/],
  ['http://0x100000000/', /not a valid/],
  ['', /not a valid/],
  [`http://example.com/${'a'.repeat(9000)}`, /characters long/],
];

describe('an image_url', () => {
  for (const [url, reason] of REFUSED) {
    it(`is refused: ${JSON.stringify(url.slice(0, 60))}`, () => {
      assert.throws(
        () => checkImageUrl(url, []),
        (error: unknown) => {
          assert.ok(error instanceof Failure);
          assert.equal(error.code, 'VALIDATION_ERROR');
          assert.equal(error.details.errors?.[0]?.field, 'image_url');
          assert.match(error.message, reason);
          assert.doesNotMatch(error.message, /sekrit|passwd|meta-data/);
          return true;
        },
      );
    });
  }

  it('is accepted with any public name, address and port', () => {
    for (const url of [
      'http://example.com/a.jpg',
      'https://example.com:8443/a.jpg?x=1#y',
      'http://bücher.example/ä.png',
      'http://8.8.8.8/',
      'http://134744072/',
      'http://172.32.0.1/',
      'http://[2606:4700:4700::1111]/',
      'http://[64:ff9b::8.8.8.8]/',
      'http://[::ffff:8.8.8.8]/',
      'http://localhosting.example/',
      'http://minio/bucket/a.jpg',
    ]) {
      assert.equal(checkImageUrl(url, []).href, new URL(url).href);
    }
  });

  it('is accepted within allowed ranges, and only there', () => {
    const allowed = ['127.0.0.0/8', '10.1.0.0/16', 'fd00::/8'];
    for (const url of [
      'http://127.1/',
      'http://localhost/',
      'http://10.1.2.3/',
      'http://[fd00::1]/',
      'http://[::ffff:10.1.0.1]/',
    ]) {
      assert.ok(checkImageUrl(url, allowed));
    }
    for (const url of ['http://10.2.0.1/', 'http://[::1]/', 'http://192.168.0.1/', 'http://[64:ff9b::10.1.0.1]/']) {
      assert.throws(() => checkImageUrl(url, allowed), Failure);
    }
  });

  it('is never judged by a range that is none', () => {
    assert.throws(() => checkImageUrl('http://10.0.0.1/', ['10.0.0.0']), /is not a CIDR/);
  });
});

describe('addresses from look-ups and sockets', () => {
  it('are refused with a zone, and when they are no addresses', () => {
    assert.equal(refusalOf('fe80::1%eth0', []), 'link-local');
    assert.equal(refusalOf('::1%lo', []), 'loopback');
    assert.equal(refusalOf('', []), 'reserved');
    assert.equal(refusalOf('/run/socket', []), 'reserved');
  });
});
