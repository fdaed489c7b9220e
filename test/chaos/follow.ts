import { setTimeout as sleep } from 'node:timers/promises';
import { readMessage } from '../support/message-status.ts';
import type { Answer } from '../support/send-image.ts';

export interface Status {
  state: string;
  attempts: number;
  /** The failure's code. */
  code?: string;
}

/** So many times in a row there is no record: then there will be none. */
const MISSING = 4;
const FINAL = new Set(['sent', 'delivered', 'read', 'failed', 'cancelled']);

export function isFinal({ state }: Status): boolean {
  return FINAL.has(state);
}

/**
 * The message's status once it is final, or else the newest one known when `timeoutMs` are over; undefined when there is no
 * such message (its acceptance was unknown, and it was not).
 */
export async function follow(url: () => string, id: string, timeoutMs: number): Promise<Status | undefined> {
  const deadline = Date.now() + timeoutMs;
  let newest: Status | undefined;
  let missing = 0;
  while (missing < MISSING) {
    const answer = await readMessage(url(), id).catch(() => undefined);
    newest = toStatus(answer) ?? newest;
    missing = answer?.status === 404 ? missing + 1 : 0;
    if ((newest && isFinal(newest)) || Date.now() > deadline) return newest;
    await sleep(500);
  }
  return undefined;
}

function toStatus(answer: Answer | undefined): Status | undefined {
  if (answer?.status !== 200) return undefined;
  const { state, attempts, error } = answer.results as { state: string; attempts: number; error?: { code: string } };
  return { state, attempts, ...(error ? { code: error.code } : {}) };
}
