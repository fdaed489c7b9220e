import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  addTransactionCapability,
  Curve,
  generateSignalPubKey,
  initAuthCreds,
  signedKeyPair,
} from '@whiskeysockets/baileys';
import { createBaileysLogger } from './baileys-logger.ts';
import { silentLogger } from './linked-session.fixture.ts';
import { createSignalRepository } from './signal-repository.ts';

const JID = '628111111111@s.whatsapp.net';
const MESSAGES = 20;

/** One device's repository, on a store that answers a moment later. */
function createDevice(unsigned: 'refused' | 'told' = 'refused') {
  const logger = createBaileysLogger(silentLogger());
  const stored = new Map<string, unknown>();
  const store = {
    get: async (type: string, ids: string[]) => {
      await setImmediate();
      return Object.fromEntries(ids.flatMap((id) => (stored.has(type + id) ? [[id, stored.get(type + id)]] : [])));
    },
    set: async (data: object) => {
      await setImmediate();
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values)) stored.set(type + id, value);
      }
    },
  };
  const keys = addTransactionCapability(store as never, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
  const repository = createSignalRepository(unsigned)({ creds: initAuthCreds(), keys }, logger, async () => []);
  return { repository, keys, stored };
}

const createRepository = (unsigned?: 'refused' | 'told') => createDevice(unsigned).repository;

function keyBundle() {
  const identity = Curve.generateKeyPair();
  const { keyPair, signature, keyId } = signedKeyPair(identity, 1);
  return {
    registrationId: 1,
    identityKey: generateSignalPubKey(identity.public),
    signedPreKey: { keyId, publicKey: generateSignalPubKey(keyPair.public), signature },
  };
}

test('a key bundle that its identity has signed makes a session', async () => {
  const repository = createRepository();
  await repository.injectE2ESession({ jid: JID, session: keyBundle() });
  assert.equal((await repository.validateSession(JID)).exists, true);
});

test('a key bundle with a foreign or no real signature makes none with WhatsApp itself', async () => {
  const repository = createRepository();
  const bundle = keyBundle();
  for (const signature of [randomBytes(64), keyBundle().signedPreKey.signature]) {
    const session = { ...bundle, signedPreKey: { ...bundle.signedPreKey, signature } };
    await assert.rejects(repository.injectE2ESession({ jid: JID, session }), /not signed/);
  }
  assert.equal((await repository.validateSession(JID)).exists, false);
});

test('with another server such a bundle makes a session all the same', async () => {
  const repository = createRepository('told');
  const bundle = keyBundle();
  const session = { ...bundle, signedPreKey: { ...bundle.signedPreKey, signature: randomBytes(64) } };
  await repository.injectE2ESession({ jid: JID, session });
  assert.equal((await repository.validateSession(JID)).exists, true);
});

test('two devices of one process that write to one contact use no step of their ratchets twice', async () => {
  const bundle = keyBundle();
  const devices = [createDevice(), createDevice()];
  const sendAll = async ({ repository, keys }: (typeof devices)[number]) => {
    await repository.injectE2ESession({ jid: JID, session: bundle });
    for (let n = 0; n < MESSAGES; n += 1) {
      await keys.transaction(async () => {
        await repository.encryptMessage({ jid: JID, data: Buffer.from('a message') });
      }, 'me');
    }
  };
  await Promise.all(devices.map(sendAll));
  for (const { stored } of devices) {
    const [session] = [...stored].flatMap(([key, value]) => (key.startsWith('session') ? [JSON.stringify(value)] : []));
    assert.match(session ?? '', new RegExp(`"counter":${MESSAGES - 1},`));
  }
});
