import type { Phone, ReceivedMessage } from '@postern/simulator';
import { isFinal, type Status } from './follow.ts';
import type { Sending } from './sending.ts';

/** One message that did not end as it must. */
export interface Loss {
  key: string;
  ids: string[];
  why: string;
}

export interface Failed {
  key: string;
  ids: string[];
  code: string;
}

export interface MessageAudit {
  accepted: number;
  /** Never known to be accepted. */
  unaccepted: number;
  final: { sent: number; failed: number };
  /** Failures by code. */
  failures: Record<string, number>;
  /** Accepted, and not sent although nothing was wrong with them. */
  failed: Failed[];
  lost: Loss[];
  /** Keys that show as more than one id at a phone. */
  secondIds: string[];
  /** Ids that show two contents. */
  idsWithTwoMessages: string[];
  /** Keys for which answers named more than one id. */
  changedIds: string[];
  /** Arrivals beyond the first of an id; allowed. */
  copies: number;
}

/** Compares what the clients were told, what the records say and what the phones show. */
export function auditMessages(
  sendings: readonly Sending[],
  statuses: ReadonlyMap<string, Status>,
  phones: readonly Phone[],
): MessageAudit {
  const received = phones.flatMap(({ received: messages }) => messages);
  const byKey = new Map<string, ReceivedMessage[]>();
  for (const message of received) {
    const key = message.caption ?? '';
    byKey.set(key, [...(byKey.get(key) ?? []), message]);
  }
  const accepted = sendings.filter(({ acceptedAt }) => acceptedAt !== undefined);
  const statusOf = ({ ids }: Sending) => statuses.get(ids.at(-1) ?? '');
  const last = accepted.map(statusOf);
  const failed = accepted.flatMap((sending): Failed[] => {
    const { state, code = '?' } = statusOf(sending) ?? {};
    return state === 'failed' || state === 'cancelled' ? [{ key: sending.key, ids: sending.ids, code }] : [];
  });
  const failures: Record<string, number> = {};
  for (const { code } of failed) failures[code] = (failures[code] ?? 0) + 1;
  return {
    accepted: accepted.length,
    unaccepted: sendings.length - accepted.length,
    final: { sent: last.filter((status) => status !== undefined && isSent(status)).length, failed: failed.length },
    failures,
    failed,
    lost: accepted.flatMap((sending) => findLoss(sending, statuses, byKey.get(sending.key) ?? [])),
    secondIds: [...byKey]
      .filter(([key, messages]) => key !== '' && new Set(messages.map(({ id }) => id)).size > 1)
      .map(([key]) => key),
    idsWithTwoMessages: received.filter(({ contents }) => contents > 1).map(({ id }) => id),
    changedIds: sendings.filter(({ ids }) => ids.length > 1).map(({ key }) => key),
    copies: received.reduce((sum, { copies }) => sum + Math.max(0, copies - 1), 0),
  };
}

function findLoss(sending: Sending, statuses: ReadonlyMap<string, Status>, shown: ReceivedMessage[]): Loss[] {
  const { key, ids, sha256 } = sending;
  const status = statuses.get(ids.at(-1) ?? '');
  const loss = (why: string) => [{ key, ids, why }];
  if (!status) return loss('it has no record');
  if (!isFinal(status)) return loss(`it is still ${status.state}`);
  if (!isSent(status)) return [];
  const message = shown.find(({ id }) => ids.includes(id));
  if (!message) return loss(`it is ${status.state} and not at the phone`);
  if (message.error !== undefined) return loss(`the phone could not show it: ${message.error}`);
  if (message.sha256 !== sha256) return loss('the phone shows another picture');
  return [];
}

function isSent({ state }: Status): boolean {
  return state === 'sent' || state === 'delivered' || state === 'read';
}
