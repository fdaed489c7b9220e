import { DEFAULT_CONNECTION_CONFIG, type SocketConfig } from '@whiskeysockets/baileys';
import { verifySignature } from './signature-repair.ts';

const UNSIGNED = 'the signed pre-key of a key bundle is not signed by its identity';

/**
 * Builds Baileys' Signal repository, but for one check that libsignal makes and then ignores: whether the signed pre-key of
 * a key bundle is signed by its identity. WhatsApp's own server must not slip in a key of its own, so there such a bundle is
 * `refused`; another server, whose phones seldom sign, is `told` of in the log.
 */
export function createSignalRepository(unsigned: 'refused' | 'told'): SocketConfig['makeSignalRepository'] {
  return (auth, logger, toLids) => {
    const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, toLids);
    return {
      ...repository,
      async injectE2ESession(options) {
        const { identityKey, signedPreKey } = options.session;
        if (!verifySignature(identityKey, signedPreKey.publicKey, signedPreKey.signature)) {
          if (unsigned === 'refused') throw new Error(UNSIGNED);
          logger.error(UNSIGNED);
        }
        await repository.injectE2ESession(options);
      },
    };
  };
}
