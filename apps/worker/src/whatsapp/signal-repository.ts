import { DEFAULT_CONNECTION_CONFIG, type SocketConfig } from '@whiskeysockets/baileys';
import { verifySignature } from './signature-repair.ts';
import { Turns } from './turns.ts';

const UNSIGNED = 'the signed pre-key of a key bundle is not signed by its identity';

/**
 * libsignal works off what concerns one address of a contact in the asynchronous context of whoever came first, and
 * Baileys' key store finds its transaction by that context. What comes second, be it for another device of this process,
 * would write into a transaction that may have ended: its step of the ratchet would be lost and used again, and the phone
 * would drop that message in silence. Handed to libsignal one by one, each is worked off in its own context.
 */
const addresses = new Turns();

/**
 * Builds Baileys' Signal repository, but for one check that libsignal makes and then ignores: whether the signed pre-key of
 * a key bundle is signed by its identity. WhatsApp's own server must not slip in a key of its own, so there such a bundle is
 * `refused`; another server, whose phones seldom sign, is `told` of in the log.
 */
export function createSignalRepository(unsigned: 'refused' | 'told'): SocketConfig['makeSignalRepository'] {
  return (auth, logger, toLids) => {
    const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, toLids);
    const inTurn = <T>(jid: string, task: () => Promise<T>) =>
      addresses.run(repository.jidToSignalProtocolAddress(jid), task);
    return {
      ...repository,
      encryptMessage: (options) => inTurn(options.jid, () => repository.encryptMessage(options)),
      decryptMessage: (options) => inTurn(options.jid, () => repository.decryptMessage(options)),
      async injectE2ESession(options) {
        const { identityKey, signedPreKey } = options.session;
        if (!verifySignature(identityKey, signedPreKey.publicKey, signedPreKey.signature)) {
          if (unsigned === 'refused') throw new Error(UNSIGNED);
          logger.error(UNSIGNED);
        }
        await inTurn(options.jid, () => repository.injectE2ESession(options));
      },
    };
  };
}
