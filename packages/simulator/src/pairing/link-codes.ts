import { randomBytes } from 'node:crypto';
import { within } from '@postern/runtime';
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  getBinaryNodeChildBuffer,
  hkdf,
  jidDecode,
  type KeyPair,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import { nowSeconds } from '../accounts/linked-device.ts';
import type { Connection } from '../wire/connection.ts';
import type { Registration } from './registration.ts';

const ANSWER_MS = 20_000;
/** A client shows its code as soon as its request is written, so a quick phone may be ahead of the request. */
const REQUEST_MS = 2_000;

interface Request {
  registration: Registration;
  number: string;
  ref: Buffer;
  /** Salt (32), IV (16) and the client's ephemeral key, encrypted by the code. */
  wrappedKey: Uint8Array;
  /** Set while a phone that typed the code waits for the client's key bundle. */
  finish?: (bundle: Uint8Array) => void;
}

export interface EnteredCode {
  registration: Registration;
  advSecret: Buffer;
}

/** Pairing by code: the client encrypts a key by the code it shows, and the phone proves that it was typed in. */
export class LinkCodes {
  readonly #requests = new Map<Connection, Request>();
  readonly #watchers = new Set<() => void>();

  /** Answers a client's `link_code_companion_reg`; undefined leaves the query unanswered. */
  receive(registration: Registration, node: BinaryNode): BinaryNode[] | undefined {
    const { connection } = registration;
    if (node.attrs['stage'] === 'companion_hello') {
      const wrappedKey = getBinaryNodeChildBuffer(node, 'link_code_pairing_wrapped_companion_ephemeral_pub');
      const number = jidDecode(node.attrs['jid'])?.user;
      if (!wrappedKey || !number) return undefined;
      const ref = randomBytes(20);
      this.#requests.set(connection, { registration, number, ref, wrappedKey });
      for (const watcher of this.#watchers) watcher();
      const content = [{ tag: 'link_code_pairing_ref', attrs: {}, content: ref }];
      return [{ tag: 'link_code_companion_reg', attrs: { stage: 'companion_hello' }, content }];
    }
    const bundle = getBinaryNodeChildBuffer(node, 'link_code_pairing_wrapped_key_bundle');
    if (bundle) this.#requests.get(connection)?.finish?.(bundle);
    return [];
  }

  forget(connection: Connection): void {
    this.#requests.delete(connection);
  }

  /** Rejects when no client waits for a code for this number, or the code is not the one it shows. */
  async enter(account: Account, code: string): Promise<EnteredCode> {
    const request = await this.#requestFor(account.number);
    const { registration } = request;
    const clientKey = await unwrap(request.wrappedKey, code);
    const ephemeral = Curve.generateKeyPair();
    const { promise: answer, resolve } = Promise.withResolvers<Uint8Array>();
    request.finish = resolve;
    registration.connection.send(await toPrimaryHello(request, account, ephemeral, code));
    const bundle = await within(answer, ANSWER_MS, () => new Error('the client did not answer the code'));
    const shared = Curve.sharedKey(ephemeral.private, clientKey);
    const random = openKeyBundle(bundle, shared, registration, account);
    const identityShared = Curve.sharedKey(account.identity.private, registration.keys.identity);
    const secret = Buffer.concat([shared, identityShared, random]);
    return { registration, advSecret: Buffer.from(hkdf(secret, 32, { info: 'adv_secret' })) };
  }

  #requestFor(number: string): Promise<Request> {
    let watcher = () => {};
    const found = new Promise<Request>((resolve) => {
      watcher = () => {
        const request = [...this.#requests.values()].findLast((asked) => asked.number === number);
        if (request) resolve(request);
      };
      this.#watchers.add(watcher);
      watcher();
    });
    return within(found, REQUEST_MS, () => new Error('no client asked for a code for this number')).finally(() =>
      this.#watchers.delete(watcher),
    );
  }
}

async function unwrap(wrapped: Uint8Array, code: string): Promise<Buffer> {
  const bytes = Buffer.from(wrapped);
  const key = await derivePairingCodeKey(code, bytes.subarray(0, 32));
  return aesDecryptCTR(bytes.subarray(48, 80), key, bytes.subarray(32, 48));
}

async function toPrimaryHello(request: Request, account: Account, keys: KeyPair, code: string): Promise<BinaryNode> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const sealed = aesEncryptCTR(keys.public, await derivePairingCodeKey(code, salt), iv);
  const field = (tag: string, content: Uint8Array): BinaryNode => ({ tag, attrs: {}, content });
  return {
    tag: 'notification',
    attrs: {
      from: S_WHATSAPP_NET,
      type: 'link_code_companion_reg',
      id: request.registration.connection.nextId(),
      t: nowSeconds(),
    },
    content: [
      {
        tag: 'link_code_companion_reg',
        attrs: { stage: 'primary_hello' },
        content: [
          field('link_code_pairing_wrapped_primary_ephemeral_pub', Buffer.concat([salt, iv, sealed])),
          field('primary_identity_pub', account.identity.public),
          field('link_code_pairing_ref', request.ref),
        ],
      },
    ],
  };
}

/** Opens salt (32), IV (12) and the sealed bundle; returns its random part. */
function openKeyBundle(bundle: Uint8Array, shared: Uint8Array, registration: Registration, account: Account): Buffer {
  const bytes = Buffer.from(bundle);
  const key = hkdf(Buffer.from(shared), 32, {
    salt: bytes.subarray(0, 32),
    info: 'link_code_pairing_key_bundle_encryption_key',
  });
  let plain: Buffer;
  try {
    plain = aesDecryptGCM(bytes.subarray(44), key, bytes.subarray(32, 44), Buffer.alloc(0));
  } catch (error) {
    throw new Error('this is not the code the client shows', { cause: error });
  }
  const isOurs =
    plain.subarray(0, 32).equals(registration.keys.identity) && plain.subarray(32, 64).equals(account.identity.public);
  if (!isOurs) throw new Error('the key bundle names other identities');
  return plain.subarray(64, 96);
}
