import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
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

function createRepository(unsigned: 'refused' | 'told' = 'refused') {
  const logger = createBaileysLogger(silentLogger());
  const stored = new Map<string, unknown>();
  const store = {
    get: (type: string, ids: string[]) =>
      Object.fromEntries(ids.flatMap((id) => (stored.has(type + id) ? [[id, stored.get(type + id)]] : []))),
    set: (data: object) => {
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values)) stored.set(type + id, value);
      }
    },
  };
  const keys = addTransactionCapability(store as never, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
  return createSignalRepository(unsigned)({ creds: initAuthCreds(), keys }, logger, async () => []);
}

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
