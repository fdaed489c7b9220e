import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Curve, proto, WA_ADV_DEVICE_SIG_PREFIX } from '@whiskeysockets/baileys';
import { Account } from '../accounts/account.ts';
import { isCountersigned, signDeviceIdentity } from './device-identity.ts';

test("a device identity counts only with the client's own signature over what it was given", () => {
  const account = new Account('6281100000001', 'Own');
  const client = Curve.generateKeyPair();
  const given = signDeviceIdentity(account, client.public, 1);
  const answer = (details: Uint8Array, signer: Uint8Array) => {
    const message = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, client.public, account.identity.public]);
    const deviceSignature = Curve.sign(signer, message);
    return proto.ADVSignedDeviceIdentity.encode({ ...given, details, deviceSignature }).finish();
  };
  const isAccepted = (bytes: Uint8Array) => isCountersigned(bytes, given, account, client.public);
  assert.equal(isAccepted(answer(given.details, client.private)), true);
  assert.equal(isAccepted(answer(given.details, Curve.generateKeyPair().private)), false);
  assert.equal(isAccepted(answer(signDeviceIdentity(account, client.public, 2).details, client.private)), false);
  assert.equal(isAccepted(proto.ADVSignedDeviceIdentity.encode(given).finish()), false);
});
