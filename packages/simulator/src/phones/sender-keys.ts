import {
  GroupCipher,
  GroupSessionBuilder,
  SenderKeyDistributionMessage,
  SenderKeyName,
  SenderKeyRecord,
} from '@whiskeysockets/baileys/lib/Signal/Group/index.js';

/** The sender keys a device knows: others' from their distribution messages, and its own per group. */
export class SenderKeys {
  readonly #own: string;
  readonly #records = new Map<string, SenderKeyRecord>();
  readonly #store = {
    loadSenderKey: async (name: SenderKeyName): Promise<SenderKeyRecord> => {
      const known = this.#records.get(name.toString());
      if (known) return known;
      const fresh = new SenderKeyRecord();
      this.#records.set(name.toString(), fresh);
      return fresh;
    },
    storeSenderKey: async (name: SenderKeyName, record: SenderKeyRecord): Promise<void> => {
      this.#records.set(name.toString(), record);
    },
  };

  constructor(own: string) {
    this.#own = own;
  }

  async learn(group: string, sender: string, distribution: Uint8Array): Promise<void> {
    const message = new SenderKeyDistributionMessage(null, null, null, null, distribution);
    await new GroupSessionBuilder(this.#store).process(toName(group, sender), message);
  }

  async decrypt(group: string, sender: string, ciphertext: Uint8Array): Promise<Uint8Array> {
    return new GroupCipher(this.#store, toName(group, sender)).decrypt(ciphertext);
  }

  /** The ciphertext, and the distribution message that lets a member read it and what follows. */
  async encrypt(group: string, padded: Uint8Array): Promise<{ ciphertext: Uint8Array; distribution: Uint8Array }> {
    const name = toName(group, this.#own);
    const distribution = await new GroupSessionBuilder(this.#store).create(name);
    const ciphertext = await new GroupCipher(this.#store, name).encrypt(padded);
    return { ciphertext, distribution: distribution.serialize() };
  }
}

function toName(group: string, sender: string): SenderKeyName {
  return new SenderKeyName(group, { id: sender, deviceId: 0, toString: () => sender });
}
