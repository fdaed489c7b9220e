import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Curve, proto } from '@whiskeysockets/baileys';
import { isSignedBy } from '../accounts/signature.ts';
import { createNoiseIdentity } from './certificate-authority.ts';
import { NoiseResponder } from './noise-responder.ts';

const { Details } = proto.CertChain.NoiseCertificate;

test('the chain leads from the root to the static key, each signature by the one before', () => {
  const { certificateChain, keys, rootKey } = createNoiseIdentity();
  const { intermediate, leaf } = proto.CertChain.decode(certificateChain);
  const upper = Details.decode(intermediate?.details ?? Buffer.alloc(0));
  const lower = Details.decode(leaf?.details ?? Buffer.alloc(0));
  assert.deepEqual([upper.issuerSerial, lower.issuerSerial], [0, upper.serial]);
  assert.deepEqual(Buffer.from(lower.key ?? []), Buffer.from(keys.public));
  const signed = (key: Uint8Array, certificate: proto.CertChain.INoiseCertificate | null | undefined) =>
    isSignedBy(key, certificate?.details ?? Buffer.alloc(0), certificate?.signature ?? Buffer.alloc(0));
  assert.equal(signed(Buffer.from(rootKey, 'hex'), intermediate), true);
  assert.equal(signed(upper.key ?? Buffer.alloc(0), leaf), true);
  assert.equal(signed(Curve.generateKeyPair().public, intermediate), false);
});

test('a tampered last handshake message is refused, and nothing is read before it', () => {
  const responder = new NoiseResponder(createNoiseIdentity());
  responder.answerHello(Curve.generateKeyPair().public);
  assert.throws(() => responder.readFinish({ static: Buffer.alloc(48), payload: Buffer.alloc(64) }));
  assert.throws(() => responder.decrypt(Buffer.alloc(32)), /not finished/);
});
