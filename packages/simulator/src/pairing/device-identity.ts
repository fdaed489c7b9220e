import { createHmac } from 'node:crypto';
import { Curve, proto, WA_ADV_ACCOUNT_SIG_PREFIX, WA_ADV_DEVICE_SIG_PREFIX } from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import { isSignedBy } from '../accounts/signature.ts';

export interface DeviceIdentity {
  details: Uint8Array;
  accountSignature: Uint8Array;
}

/** The phone's statement that this identity key is a device of its account. */
export function signDeviceIdentity(account: Account, identity: Uint8Array, keyIndex: number): DeviceIdentity {
  const details = proto.ADVDeviceIdentity.encode({
    rawId: Number(account.lidUser.slice(-9)),
    timestamp: Math.floor(Date.now() / 1000),
    keyIndex,
    accountType: proto.ADVEncryptionType.E2EE,
    deviceType: proto.ADVEncryptionType.E2EE,
  }).finish();
  const message = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, identity]);
  return { details, accountSignature: Curve.sign(account.identity.private, message) };
}

/** The content of pair-success: the signed identity, authenticated by the secret only phone and client share. */
export function sealDeviceIdentity(account: Account, identity: DeviceIdentity, advSecret: Uint8Array): Uint8Array {
  const details = proto.ADVSignedDeviceIdentity.encode({
    ...identity,
    accountSignatureKey: account.identity.public,
  }).finish();
  const hmac = createHmac('sha256', advSecret).update(details).digest();
  return proto.ADVSignedDeviceIdentityHMAC.encode({ details, hmac }).finish();
}

/** Whether the client's answer to pair-success carries its own signature over the identity it was given. */
export function isCountersigned(
  answer: Uint8Array,
  given: DeviceIdentity,
  account: Account,
  identity: Uint8Array,
): boolean {
  const { details, deviceSignature } = proto.ADVSignedDeviceIdentity.decode(answer);
  if (!details || !deviceSignature || Buffer.compare(details, given.details) !== 0) return false;
  const message = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, identity, account.identity.public]);
  return isSignedBy(identity, message, deviceSignature);
}
