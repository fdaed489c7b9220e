import { DEFAULT_CONNECTION_CONFIG, type SocketConfig } from '@whiskeysockets/baileys';
import { verifySignature } from './signature-repair.ts';

/**
 * Baileys' Signal repository, but for one check that libsignal makes and then ignores: a key bundle whose signed pre-key
 * its identity has not signed is refused, so that the server cannot slip in a key of its own.
 */
export const createSignalRepository: SocketConfig['makeSignalRepository'] = (auth, logger, toLids) => {
  const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, toLids);
  return {
    ...repository,
    async injectE2ESession(options) {
      const { identityKey, signedPreKey } = options.session;
      if (!verifySignature(identityKey, signedPreKey.publicKey, signedPreKey.signature)) {
        throw new Error('the signed pre-key of a key bundle is not signed by its identity');
      }
      await repository.injectE2ESession(options);
    },
  };
};
