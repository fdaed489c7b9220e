import type { proto } from '@whiskeysockets/baileys';
import { KEY_TYPE } from '../accounts/key-bundle.ts';
import type { LinkedIdentity } from '../accounts/linked-device.ts';
import { isSignedBy } from '../accounts/signature.ts';
import type { Connection } from '../wire/connection.ts';

/** A client that connected without an account and waits for a phone to link it. */
export interface Registration {
  readonly connection: Connection;
  readonly keys: Omit<LinkedIdentity, 'id' | 'keyIndex'>;
  /** What its QR codes start with. */
  readonly refs: readonly string[];
  readonly createdAt: number;
}

/** The keys a client announces in its handshake. Throws when one is missing or the signed pre-key is not signed. */
export function parseRegistrationKeys(
  data: proto.ClientPayload.IDevicePairingRegistrationData,
  noiseKey: Uint8Array,
): Registration['keys'] {
  const { eRegid, eIdent, eSkeyId, eSkeyVal, eSkeySig } = data;
  if (!eRegid || !eIdent || !eSkeyId || !eSkeyVal || !eSkeySig) throw new Error('the registration lacks a key');
  if (!isSignedBy(eIdent, Buffer.concat([KEY_TYPE, eSkeyVal]), eSkeySig)) {
    throw new Error('the signed pre-key is not signed by the identity key');
  }
  return {
    noiseKey,
    identity: eIdent,
    registrationId: Buffer.from(eRegid).readUIntBE(0, eRegid.length),
    signedPreKey: {
      id: Buffer.from(eSkeyId).readUIntBE(0, eSkeyId.length),
      public: eSkeyVal,
      signature: eSkeySig,
    },
  };
}
