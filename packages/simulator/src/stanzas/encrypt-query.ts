import {
  type BinaryNode,
  encodeBigEndian,
  getBinaryNodeChild,
  getBinaryNodeChildBuffer,
  getBinaryNodeChildren,
} from '@whiskeysockets/baileys';
import type { Directory } from '../accounts/directory.ts';
import { KEY_TYPE, toBundleNodes } from '../accounts/key-bundle.ts';
import type { LinkedDevice } from '../accounts/linked-device.ts';
import { isSignedBy } from '../accounts/signature.ts';
import { QueryError, type QueryHandler } from './query.ts';

/** `encrypt`: publishing one's own keys, counting them, and fetching the keys of others' devices. */
export function createEncryptHandler(directory: Directory): QueryHandler {
  return (device, query) => {
    const [first] = Array.isArray(query.content) ? query.content : [];
    if (query.attrs['type'] === 'set') {
      if (first?.tag === 'rotate') publishSignedKey(device, getBinaryNodeChild(first, 'skey'));
      else publishKeys(device, query);
      return [];
    }
    if (first?.tag === 'count') {
      return [{ tag: 'count', attrs: { value: String(Math.max(device.preKeys.size, device.claimedPreKeys)) } }];
    }
    if (first?.tag === 'digest') return [toDigest(device)];
    if (first?.tag !== 'key') throw new QueryError(400, 'bad-request');
    const users = getBinaryNodeChildren(first, 'user').flatMap(({ attrs }) => toUser(directory, attrs['jid'] ?? ''));
    return [{ tag: 'list', attrs: {}, content: users }];
  };
}

function toUser(directory: Directory, jid: string): BinaryNode[] {
  const bundle = directory.device(jid)?.takeBundle();
  return bundle ? [{ tag: 'user', attrs: { jid }, content: toBundleNodes(bundle) }] : [];
}

function publishKeys(device: LinkedDevice, query: BinaryNode): void {
  const identity = getBinaryNodeChildBuffer(query, 'identity');
  if (!identity || Buffer.compare(identity, device.identity) !== 0) throw new QueryError(406, 'not-acceptable');
  publishSignedKey(device, getBinaryNodeChild(query, 'skey'));
  for (const key of getBinaryNodeChildren(getBinaryNodeChild(query, 'list'), 'key')) {
    const { id, value } = readKey(key);
    device.preKeys.set(id, value);
  }
}

function publishSignedKey(device: LinkedDevice, node: BinaryNode | undefined): void {
  const { id, value } = readKey(node);
  const signature = getBinaryNodeChildBuffer(node, 'signature');
  if (!signature || !isSignedBy(device.identity, Buffer.concat([KEY_TYPE, value]), signature)) {
    throw new QueryError(406, 'not-acceptable');
  }
  device.signedPreKey = { id, public: value, signature };
}

function readKey(node: BinaryNode | undefined): { id: number; value: Uint8Array } {
  const id = getBinaryNodeChildBuffer(node, 'id');
  const value = getBinaryNodeChildBuffer(node, 'value');
  if (!id || value?.length !== 32) throw new QueryError(400, 'bad-request');
  return { id: Buffer.from(id).readUIntBE(0, id.length), value };
}

function toDigest({ registrationId, identity, signedPreKey, preKeys }: LinkedDevice): BinaryNode {
  return {
    tag: 'digest',
    attrs: {},
    content: [
      { tag: 'registration', attrs: {}, content: encodeBigEndian(registrationId) },
      { tag: 'type', attrs: {}, content: KEY_TYPE },
      { tag: 'identity', attrs: {}, content: identity },
      { tag: 'skey', attrs: {}, content: [{ tag: 'id', attrs: {}, content: encodeBigEndian(signedPreKey.id, 3) }] },
      {
        tag: 'list',
        attrs: {},
        content: [...preKeys.keys()].map((id) => ({ tag: 'id', attrs: {}, content: encodeBigEndian(id, 3) })),
      },
    ],
  };
}
