import type { RelayedMessage, Simulator } from '@postern/simulator';

/** The message stanzas that the simulated server has taken in since it was created. */
export interface Stanzas {
  all: RelayedMessage[];
  of(messageId: string): RelayedMessage[];
  /** Ids in the order of their first stanza to this chat. */
  order(to: string): string[];
}

export function recordStanzas(simulator: Simulator): Stanzas {
  const all: RelayedMessage[] = [];
  simulator.onMessage((message) => all.push(message));
  return {
    all,
    of: (messageId) => all.filter(({ id }) => id === messageId),
    order: (to) => [...new Set(all.filter((message) => message.to === to).map(({ id }) => id))],
  };
}
