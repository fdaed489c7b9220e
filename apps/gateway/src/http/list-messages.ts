import { Failure, isMessageId, MESSAGE_STATES, type MessageState } from '@postern/contract';
import type { Devices, FailedJobs, MessageLists } from '@postern/registry';
import type { Request } from 'express';
import { findDevice } from '../acceptance/device-choice.ts';
import { FieldErrors } from '../acceptance/field-errors.ts';
import { parseInteger } from '../acceptance/field-values.ts';
import { maySee } from '../auth/authenticator.ts';
import { viewMessage } from '../outcomes/message-view.ts';
import type { Exchange } from './exchange.ts';
import { succeed } from './respond.ts';

export interface ListMessagesParts {
  devices: Pick<Devices, 'ids' | 'resolve'>;
  messageLists: Pick<MessageLists, 'page'>;
  failedJobs: Pick<FailedJobs, 'keptUntil'>;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** `GET /messages`: newest first, of one device or of all that the key may see. */
export async function listMessages(
  { request, response, principal, facts }: Exchange,
  { devices, messageLists, failedJobs }: ListMessagesParts,
): Promise<void> {
  const { deviceName, ...query } = parseQuery(request);
  const deviceIds =
    deviceName === undefined
      ? (await devices.ids()).filter((id) => maySee(principal, id))
      : [(await findDevice(devices, principal, deviceName)).device_id];
  if (deviceName !== undefined) facts.device_id = deviceIds[0];
  const { messages, cursor } = await messageLists.page(deviceIds, query);
  succeed(response, 'List messages', {
    messages: await Promise.all(messages.map((record) => viewMessage(record, failedJobs))),
    ...(cursor === undefined ? {} : { cursor }),
  });
}

function parseQuery(request: Request) {
  const errors = new FieldErrors();
  const read = <T>(name: string, parse: (text: string) => T) =>
    errors.attempt<T | undefined>(undefined, () => {
      const value = request.query[name];
      if (value === undefined || value === '') return undefined;
      if (typeof value !== 'string') throw Failure.field(name, 'got it more than once');
      return parse(value);
    });
  const query = {
    deviceName: read('device_id', (text) => text),
    state: read('state', parseState),
    cursor: read('cursor', parseCursor),
    limit: read('limit', parseLimit) ?? DEFAULT_LIMIT,
  };
  errors.throwIfAny();
  return query;
}

function parseState(text: string): MessageState {
  const state = MESSAGE_STATES.find((known) => known === text);
  if (state !== undefined) return state;
  throw Failure.field('state', `got ${JSON.stringify(text.slice(0, 32))}; expected ${MESSAGE_STATES.join(', ')}`);
}

function parseCursor(text: string): string {
  const [time = '', messageId = ''] = text.split('-', 2);
  if (/^\d{1,15}$/.test(time) && isMessageId(messageId) && text === `${time}-${messageId}`) return text;
  throw Failure.field('cursor', 'is not one of this list; expected what a page before answered');
}

function parseLimit(text: string): number {
  const limit = parseInteger(text, 'limit') ?? DEFAULT_LIMIT;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw Failure.field('limit', `is ${limit}; expected 1 to ${MAX_LIMIT}`);
}
