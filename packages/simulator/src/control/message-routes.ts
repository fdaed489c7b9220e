import { z } from 'zod';
import type { OutgoingContent } from '../phones/phone-sender.ts';
import type { ReceivedMessage } from '../phones/received-message.ts';
import { ControlError, parseBody } from './control-error.ts';
import type { ControlledSimulator } from './controlled-simulator.ts';
import { toMessageView } from './message-view.ts';
import { findPhone, orRefused } from './phone-routes.ts';
import type { ControlRequest, Route } from './router.ts';

const limit = z.coerce.number().int().min(1).max(10_000).default(100);
const timer = z.number().int().min(0).optional();
const outgoing = z.union([
  z.strictObject({ to: z.string().min(1), text: z.string().min(1), ephemeralSeconds: timer }),
  z.strictObject({
    to: z.string().min(1),
    /** Base64. */
    image: z.base64().min(4),
    mimetype: z.enum(['image/jpeg', 'image/png']).optional(),
    caption: z.string().optional(),
    viewOnce: z.boolean().optional(),
    ephemeralSeconds: timer,
  }),
]);

/** What a phone received and what it does with it: pictures, read and retry receipts, messages of its own. */
export function createMessageRoutes(simulator: ControlledSimulator): Route[] {
  const find = ({ params }: ControlRequest) => {
    const phone = findPhone(simulator, params['number']);
    const message = phone.received.findLast(({ id }) => id === params['id']);
    if (!message) throw new ControlError(404, `${phone.number} has no message ${params['id']}`);
    return { phone, message };
  };
  return [
    {
      method: 'GET',
      path: '/phones/:number/messages',
      handle: ({ params, query }) => {
        const phone = findPhone(simulator, params['number']);
        const newest = phone.received.slice(-parseBody(limit, query.get('limit') ?? undefined));
        return { status: 200, json: { messages: newest.map((message) => toMessageView(phone.number, message)) } };
      },
    },
    {
      method: 'GET',
      path: '/phones/:number/messages/:id',
      handle: (request) => {
        const { phone, message } = find(request);
        return { status: 200, json: toMessageView(phone.number, message) };
      },
    },
    {
      method: 'GET',
      path: '/phones/:number/messages/:id/image',
      handle: (request) => toPicture(find(request).message),
    },
    {
      method: 'GET',
      path: '/phones/:number/messages/:id/thumbnail',
      handle: (request) => {
        const { id, thumbnail } = find(request).message;
        if (!thumbnail) throw new ControlError(404, `message ${id} has no thumbnail`);
        return { status: 200, bytes: thumbnail, contentType: 'image/jpeg' };
      },
    },
    {
      method: 'POST',
      path: '/phones/:number/messages/:id/read',
      handle: (request) => {
        const { phone, message } = find(request);
        phone.read(message.id);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/phones/:number/messages/:id/retry',
      handle: (request) => {
        const { phone, message } = find(request);
        phone.requestRetry(message.id);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/phones/:number/send',
      handle: async ({ params, body }) => {
        const phone = findPhone(simulator, params['number']);
        const { to, ...rest } = parseBody(outgoing, body);
        const content = 'image' in rest ? { ...rest, image: Buffer.from(rest.image, 'base64') } : rest;
        return { status: 200, json: await orRefused(phone.send(to, withoutUndefined(content) as OutgoingContent)) };
      },
    },
  ];
}

function toPicture({ id, bytes, mimetype, error }: ReceivedMessage) {
  if (!bytes) throw new ControlError(404, `message ${id} has no picture${error ? `: ${error}` : ''}`);
  const contentType = mimetype && /^image\/(jpeg|png|gif|webp)$/.test(mimetype) ? mimetype : 'application/octet-stream';
  return { status: 200, bytes, contentType };
}

function withoutUndefined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
