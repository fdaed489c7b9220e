import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, sendImage } from '../support/send-image.ts';
import type { Fleet } from './fleet.ts';
import type { Random } from './random.ts';
import type { Sending } from './sending.ts';

const GIVE_UP_MS = 180_000;
const PAUSE_MS = 300;

export interface RequestOptions {
  gateways: Fleet;
  random: Random;
}

/**
 * Asks for one message as a careful client does: until an answer says that it is accepted, of any gateway, always with its
 * one key.
 */
export async function request(sending: Sending, image: Buffer, options: RequestOptions): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS;
  while (sending.acceptedAt === undefined && Date.now() < deadline) {
    const answer = await ask(sending, image, options);
    if (isAcceptance(answer)) sending.acceptedAt = Date.now();
    else note(sending, answer.code);
    if (sending.acceptedAt !== undefined) return;
    await sleep(PAUSE_MS * (0.5 + options.random.next()));
  }
}

/** Makes the request again although it was accepted; with its key that changes nothing. */
export async function repeat(sending: Sending, image: Buffer, options: RequestOptions): Promise<void> {
  await ask(sending, image, options);
}

/** The answer, or what stands for it when there was none. */
async function ask(
  sending: Sending,
  image: Buffer,
  { gateways, random }: RequestOptions,
): Promise<Pick<Answer, 'code' | 'results'>> {
  const headers: Record<string, string> = { 'Idempotency-Key': sending.key };
  if (random.chance(0.5)) headers['Prefer'] = 'respond-async, wait=0';
  sending.requests += 1;
  try {
    const fields = { phone: sending.phone, caption: sending.key, image };
    const answer = await sendImage(gateways.url(random), sending.device, fields, headers);
    const id = answer.results['message_id'];
    if (typeof id === 'string' && !sending.ids.includes(id)) sending.ids.push(id);
    return answer;
  } catch (error) {
    return { code: isRefusal(error) ? 'CONNECTION_REFUSED' : 'CONNECTION_LOST', results: {} };
  }
}

/** Whether the answer promises that the message will end: every one that names it but ACCEPTANCE_UNKNOWN. */
function isAcceptance({ code, results }: Pick<Answer, 'code' | 'results'>): boolean {
  return results['message_id'] !== undefined && code !== 'ACCEPTANCE_UNKNOWN';
}

/** Nobody listened, so nothing was asked. */
function isRefusal(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function note({ refusals }: Sending, code: string): void {
  refusals.set(code, (refusals.get(code) ?? 0) + 1);
}
