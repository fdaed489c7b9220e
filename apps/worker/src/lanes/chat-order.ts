/** One message's place among those of its chat. */
export interface Turn {
  /** Resolves when every earlier message of the chat has passed. */
  ready(): Promise<void>;
  /** Lets the next message of the chat go; passing twice is no error. */
  pass(): void;
}

/**
 * Keeps the messages of each chat in the order in which they took their turns: a turn is taken synchronously when a
 * message comes into hand, and passes when the message is first relayed, or has ended without that.
 */
export class ChatOrder {
  readonly #last = new Map<string, Promise<void>>();

  take(chat: string): Turn {
    const before = this.#last.get(chat) ?? Promise.resolve();
    let pass: () => void = () => {};
    const passed = new Promise<void>((resolve) => {
      pass = resolve;
    });
    const mine = before.then(() => passed);
    this.#last.set(chat, mine);
    return {
      ready: () => before,
      pass: () => {
        pass();
        // The map holds only chats with a message in hand.
        void mine.then(() => {
          if (this.#last.get(chat) === mine) this.#last.delete(chat);
        });
      },
    };
  }

  /** Chats with a message in hand. */
  get size(): number {
    return this.#last.size;
  }
}
