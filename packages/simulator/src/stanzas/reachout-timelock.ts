import { randomUUID } from 'node:crypto';
import { getBinaryNodeChild, QueryIds, S_WHATSAPP_NET } from '@whiskeysockets/baileys';
import type { Account } from '../accounts/account.ts';
import { LinkedDevice, nowSeconds } from '../accounts/linked-device.ts';
import { QueryError, type QueryHandler } from './query.ts';

/** The number by which a message that would open a new chat is refused while the timelock holds. */
export const REACHOUT_TIMELOCKED = 463;

export function isTimelocked({ timelockedUntil }: Account): boolean {
  return timelockedUntil > Date.now();
}

/** Forbids the account to write to people it has no chat with until then (Unix time in milliseconds; 0 lifts it), and
 * tells its linked devices. */
export function setReachoutTimelock(account: Account, until: number): void {
  account.timelockedUntil = until;
  const data = { xwa2_notify_account_reachout_timelock: toState(account) };
  const update = {
    tag: 'update',
    attrs: { op_name: 'NotificationUserReachoutTimelockUpdate' },
    content: Buffer.from(JSON.stringify({ data })),
  };
  const attrs = { from: S_WHATSAPP_NET, type: 'mex', id: randomUUID(), t: nowSeconds() };
  for (const device of account.devices.values()) {
    if (device instanceof LinkedDevice) device.deliver({ tag: 'notification', attrs, content: [update] });
  }
}

/** `w:mex`: whether and how long the timelock holds; other documents are unknown here. */
export const answerMexQuery: QueryHandler = ({ account }, query) => {
  if (getBinaryNodeChild(query, 'query')?.attrs['query_id'] !== QueryIds.REACHOUT_TIMELOCK) {
    throw new QueryError(501, 'feature-not-implemented');
  }
  const data = { xwa2_fetch_account_reachout_timelock: toState(account) };
  return [{ tag: 'result', attrs: {}, content: Buffer.from(JSON.stringify({ data })) }];
};

function toState(account: Account): Record<string, unknown> {
  if (!isTimelocked(account)) return { is_active: false };
  const ends = String(Math.ceil(account.timelockedUntil / 1000));
  return { is_active: true, time_enforcement_ends: ends, enforcement_type: 'DEFAULT' };
}
