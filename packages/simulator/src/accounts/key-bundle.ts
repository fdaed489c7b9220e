import { type BinaryNode, encodeBigEndian } from '@whiskeysockets/baileys';

export interface PublicPreKey {
  id: number;
  public: Uint8Array;
}

/** What a sender needs to open a Signal session with a device. Keys are 32 bytes, without the type byte. */
export interface KeyBundle {
  registrationId: number;
  identity: Uint8Array;
  signedPreKey: PublicPreKey & { signature: Uint8Array };
  /** One-time; absent when the device has none left. */
  preKey: PublicPreKey | undefined;
}

/** Signal's type byte of curve25519 keys, which stanzas and signatures put before a key. */
export const KEY_TYPE: Buffer = Buffer.from([5]);

/** The children of `<user>` in the answer to a key query. */
export function toBundleNodes(bundle: KeyBundle): BinaryNode[] {
  const { preKey, signedPreKey } = bundle;
  const nodes: BinaryNode[] = [
    { tag: 'registration', attrs: {}, content: encodeBigEndian(bundle.registrationId) },
    { tag: 'type', attrs: {}, content: KEY_TYPE },
    { tag: 'identity', attrs: {}, content: bundle.identity },
    {
      tag: 'skey',
      attrs: {},
      content: [...keyNodes(signedPreKey), { tag: 'signature', attrs: {}, content: signedPreKey.signature }],
    },
  ];
  if (preKey) nodes.push({ tag: 'key', attrs: {}, content: keyNodes(preKey) });
  return nodes;
}

function keyNodes(key: PublicPreKey): BinaryNode[] {
  return [
    { tag: 'id', attrs: {}, content: encodeBigEndian(key.id, 3) },
    { tag: 'value', attrs: {}, content: key.public },
  ];
}
