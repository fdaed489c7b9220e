import {
  type AuthenticationCreds,
  Curve,
  createSignalIdentity,
  initAuthCreds,
  WA_ADV_DEVICE_SIG_PREFIX,
} from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import { deviceJid } from '../accounts/device.ts';
import { LinkedDevice } from '../accounts/linked-device.ts';
import { signDeviceIdentity } from './device-identity.ts';

/** How many one-time keys the server claims to have of such a device, so that it uploads none at its login. */
const CLAIMED_PRE_KEYS = 100;

/** Links a device without a handshake: the credentials a client would hold after pairing with this account. */
export function issueCredentials(account: Account): AuthenticationCreds {
  const creds = initAuthCreds();
  const { noiseKey, registrationId, signedIdentityKey, signedPreKey } = creds;
  const id = account.nextDeviceId();
  const device = new LinkedDevice(account, {
    id,
    keyIndex: id,
    noiseKey: noiseKey.public,
    identity: signedIdentityKey.public,
    registrationId,
    signedPreKey: {
      id: signedPreKey.keyId,
      public: signedPreKey.keyPair.public,
      signature: signedPreKey.signature,
    },
  });
  device.claimedPreKeys = CLAIMED_PRE_KEYS;
  const { details, accountSignature } = signDeviceIdentity(account, signedIdentityKey.public, id);
  const accountSignatureKey = account.identity.public;
  const message = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, signedIdentityKey.public, accountSignatureKey]);
  const deviceSignature = Curve.sign(signedIdentityKey.private, message);
  account.devices.set(id, device);
  const lid = deviceJid(device, 'lid');
  return {
    ...creds,
    account: { details, accountSignatureKey, accountSignature, deviceSignature },
    me: { id: deviceJid(device), lid, name: account.name },
    signalIdentities: [createSignalIdentity(lid, accountSignatureKey)],
    platform: 'android',
    registered: true,
  };
}
