import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Curve } from '@whiskeysockets/baileys';
import { repairSignatureCheck, verifySignature } from './signature-repair.ts';

repairSignatureCheck();

test('signatures made by Baileys are accepted, with and without the type byte of the key', () => {
  for (let round = 0; round < 50; round++) {
    const keys = Curve.generateKeyPair();
    const message = randomBytes(1 + round * 7);
    const signature = Curve.sign(keys.private, message);
    assert.ok(Curve.verify(keys.public, message, signature));
    assert.ok(verifySignature(Buffer.concat([Buffer.of(5), keys.public]), message, signature));
  }
});

test('random bytes, another message, another key and a flipped bit are rejected', () => {
  const keys = Curve.generateKeyPair();
  const message = randomBytes(40);
  const signature = Curve.sign(keys.private, message);
  for (let round = 0; round < 20; round++) {
    assert.ok(!Curve.verify(keys.public, message, randomBytes(64)));
    const flipped = Buffer.from(signature);
    const at = round * 3;
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    assert.ok(!Curve.verify(keys.public, message, flipped));
  }
  assert.ok(!Curve.verify(keys.public, randomBytes(40), signature));
  assert.ok(!Curve.verify(Curve.generateKeyPair().public, message, signature));
});

test('malformed keys and signatures are rejected, not thrown', () => {
  const keys = Curve.generateKeyPair();
  assert.ok(!verifySignature(Buffer.alloc(31), Buffer.of(1), Buffer.alloc(64)));
  assert.ok(!verifySignature(keys.public, Buffer.of(1), Buffer.alloc(63)));
  assert.ok(!verifySignature(Buffer.alloc(32, 0xff), Buffer.of(1), Buffer.alloc(64, 0xff)));
});
