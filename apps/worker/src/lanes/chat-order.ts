/** What messages are relayed over; the signal aborts when it can carry no more. */
interface Connection {
  readonly signal: AbortSignal;
}

/** One message's place among those of its chat. */
export interface Turn {
  /**
   * Resolves when every earlier message of the chat has ended or was relayed over this very connection: what was written to
   * one that broke may never have arrived, and goes first again. Rejects with the reason of the connection or of the signal.
   */
  ready(connection: Connection, signal: AbortSignal): Promise<void>;
  /** The message was written to this connection. */
  relayed(connection: Connection): void;
  /** The message is in hand no more; ending twice is no error. */
  end(): void;
}

interface Place {
  over: Connection | undefined;
}

interface Chat {
  /** In the order in which their messages came into hand. */
  places: Place[];
  watchers: Set<() => void>;
}

/** Keeps the messages of each chat in the order in which they took their turns, also when they are sent again. */
export class ChatOrder {
  readonly #chats = new Map<string, Chat>();

  /** Takes the next turn; to be called synchronously when a message comes into hand. */
  take(name: string): Turn {
    const chat = this.#chats.get(name) ?? { places: [], watchers: new Set() };
    this.#chats.set(name, chat);
    const place: Place = { over: undefined };
    chat.places.push(place);
    return {
      ready: (connection, signal) => untilReady(chat, place, connection, signal),
      relayed: (connection) => {
        place.over = connection;
        notify(chat);
      },
      end: () => {
        chat.places = chat.places.filter((other) => other !== place);
        // The map holds only chats with a message in hand.
        if (chat.places.length === 0 && this.#chats.get(name) === chat) this.#chats.delete(name);
        notify(chat);
      },
    };
  }

  /** Chats with a message in hand. */
  get size(): number {
    return this.#chats.size;
  }
}

async function untilReady(chat: Chat, place: Place, connection: Connection, signal: AbortSignal): Promise<void> {
  for (;;) {
    connection.signal.throwIfAborted();
    signal.throwIfAborted();
    const earlier = chat.places.slice(0, chat.places.indexOf(place));
    if (earlier.every(({ over }) => over === connection)) return;
    await untilChange(chat, [connection.signal, signal]);
  }
}

function untilChange({ watchers }: Chat, signals: AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      watchers.delete(wake);
      for (const signal of signals) signal.removeEventListener('abort', wake);
      resolve();
    };
    watchers.add(wake);
    for (const signal of signals) signal.addEventListener('abort', wake, { once: true });
  });
}

function notify({ watchers }: Chat): void {
  for (const wake of watchers) wake();
}
