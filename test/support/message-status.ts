import assert from 'node:assert/strict';
import { type Answer, toAnswer } from './send-image.ts';
import type { Stack } from './stack.ts';
import { waitUntil } from './wait-until.ts';

/** GET /messages/{id}; `wait` asks for the next change, in seconds. */
export async function readMessage(url: string, messageId: unknown, wait?: number): Promise<Answer> {
  const headers: Record<string, string> = wait === undefined ? {} : { Prefer: `wait=${wait}` };
  return toAnswer(await fetch(`${url}/messages/${String(messageId)}`, { headers }));
}

/** What GET /messages/{id} tells once the message is in this state. */
export function untilState(url: string, messageId: unknown, state: string): Promise<Record<string, unknown>> {
  return waitUntil(`message ${String(messageId)} is ${state}`, async () => {
    const { results } = await readMessage(url, messageId);
    return results['state'] === state && results;
  });
}

/** Nothing of any message is queued, in hand or stored any more; what is under way gets a moment to be tidied up. */
export async function assertNothingLeft(stack: Stack, deviceId: string): Promise<void> {
  let left = '';
  await waitUntil('nothing is left', async () => {
    const { redis } = stack;
    const deadlines = (await redis.zrange('postern:deadlines', '0', '-1')).filter((id) =>
      id.startsWith(`${deviceId}|`),
    );
    left = JSON.stringify({ ...(await stack.leftovers(deviceId)), deadlines: deadlines.length });
    return left === '{"waiting":0,"active":0,"jobs":0,"files":0,"deadlines":0}';
  }).catch(() => assert.fail(`still there: ${left}`));
}

export interface ExpectedFailure {
  status: number;
  code: string;
  message?: RegExp;
  /** Of `results`, besides `message_id`. */
  results?: Record<string, unknown>;
}

/**
 * An accepted message failed so: status and envelope, its id, the same failure told by GET /messages/{id}, and nothing
 * of it left. Answers what GET tells.
 */
export async function assertAcceptedFailure(
  stack: Stack,
  deviceId: string,
  answer: Answer,
  expected: ExpectedFailure,
): Promise<Record<string, unknown>> {
  const { status, code, message = /./, results = {} } = expected;
  assert.deepEqual([answer.status, answer.code], [status, code], answer.message);
  assert.match(answer.message, message);
  const { message_id: messageId, ...others } = answer.results;
  assert.match(String(messageId), /^3EB0[0-9A-F]{18}$/);
  for (const [name, value] of Object.entries(results)) assert.deepEqual(others[name], value, name);
  const told = await readMessage(stack.url, messageId);
  assert.deepEqual([told.status, told.results['state'], told.results['device_id']], [200, 'failed', deviceId]);
  assert.deepEqual(told.results['error'], { code, message: answer.message, ...others });
  await assertNothingLeft(stack, deviceId);
  return told.results;
}

/** The gateway refused it: status and envelope, no message id, and nothing left. */
export async function assertRefused(
  stack: Stack,
  deviceId: string,
  answer: Answer,
  { status, code, message = /./, results = {} }: ExpectedFailure,
): Promise<void> {
  assert.deepEqual([answer.status, answer.code], [status, code], answer.message);
  assert.match(answer.message, message);
  assert.equal(answer.results['message_id'], undefined);
  for (const [name, value] of Object.entries(results)) assert.deepEqual(answer.results[name], value, name);
  await assertNothingLeft(stack, deviceId);
}

/** An answer to a send that WhatsApp acknowledged; its message id. */
export function assertSent(answer: Answer): string {
  assert.deepEqual([answer.status, answer.code], [200, 'SUCCESS'], answer.message);
  const { message_id: messageId, status } = answer.results;
  assert.equal(status, 'Image sent successfully');
  assert.match(String(messageId), /^3EB0[0-9A-F]{18}$/);
  return String(messageId);
}
