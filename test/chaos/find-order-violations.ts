import type { RelayedMessage } from '@postern/simulator';
import type { Sending } from './sending.ts';

/** A message that was relayed before one which had been accepted before it was asked for. */
export interface OrderViolation {
  device: string;
  phone: string;
  overtaken: string;
  overtaking: string;
}

/**
 * Compares, for each device and chat, the first stanza of each id with what the clients saw: when one message was known to
 * be accepted before another was asked for, it must be relayed first. One violation for each message that overtook.
 */
export function findOrderViolations(
  sendings: readonly Sending[],
  stanzas: readonly Pick<RelayedMessage, 'id'>[],
): OrderViolation[] {
  const relayedAs = new Map<string, number>();
  for (const [index, { id }] of stanzas.entries()) if (!relayedAs.has(id)) relayedAs.set(id, index);
  const chats = new Map<string, { sending: Sending; relayed: number }[]>();
  for (const sending of sendings) {
    const relayed = Math.min(...sending.ids.map((id) => relayedAs.get(id) ?? Number.POSITIVE_INFINITY));
    if (relayed === Number.POSITIVE_INFINITY) continue;
    const chat = `${sending.device} ${sending.phone}`;
    chats.set(chat, [...(chats.get(chat) ?? []), { sending, relayed }]);
  }
  return [...chats.values()].flatMap(findInChat);
}

function findInChat(chat: { sending: Sending; relayed: number }[]): OrderViolation[] {
  return chat.flatMap(({ sending, relayed }) => {
    const overtaken = chat.find(
      (other) =>
        other.sending.acceptedAt !== undefined &&
        other.sending.acceptedAt < sending.startedAt &&
        other.relayed > relayed,
    );
    if (!overtaken) return [];
    const { device, phone } = sending;
    return [{ device, phone, overtaken: overtaken.sending.ids.join(' '), overtaking: sending.ids.join(' ') }];
  });
}
