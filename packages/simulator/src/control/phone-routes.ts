import { z } from 'zod';
import { ControlError, parseBody } from './control-error.ts';
import type { ControlledPhone, ControlledSimulator } from './controlled-simulator.ts';
import type { Route } from './router.ts';

export const numberSchema = z.string().regex(/^[1-9]\d{6,14}$/, 'expected 7 to 15 digits without a leading 0');

const newPhone = z.strictObject({
  number: numberSchema,
  name: z.string().min(1).max(100).optional(),
  companions: z.number().int().min(0).max(8).optional(),
});
const scan = z.strictObject({ qr: z.string().min(1).max(4_096) });
const linkCode = z.strictObject({
  code: z.string().regex(/^[A-Za-z0-9]{4}-?[A-Za-z0-9]{4}$/, 'expected 8 characters'),
});

/** Phones: listing, adding, and linking a client to one. */
export function createPhoneRoutes(simulator: ControlledSimulator): Route[] {
  return [
    {
      method: 'GET',
      path: '/phones',
      handle: () => ({ status: 200, json: { phones: simulator.phones().map(toPhoneView) } }),
    },
    {
      method: 'POST',
      path: '/phones',
      handle: ({ body }) => {
        const { number, name, companions } = parseBody(newPhone, body);
        if (simulator.phone(number)) throw new ControlError(409, `${number} is already on the simulated WhatsApp`);
        const options = {
          ...(name === undefined ? {} : { name }),
          ...(companions === undefined ? {} : { companions }),
        };
        return { status: 201, json: toPhoneView(simulator.addPhone({ number, ...options })) };
      },
    },
    {
      method: 'POST',
      path: '/phones/:number/scan',
      handle: async ({ params, body }) => {
        const phone = findPhone(simulator, params['number']);
        const { qr } = parseBody(scan, body);
        return { status: 200, json: await orRefused(phone.scan(qr)) };
      },
    },
    {
      method: 'POST',
      path: '/phones/:number/link-code',
      handle: async ({ params, body }) => {
        const phone = findPhone(simulator, params['number']);
        const { code } = parseBody(linkCode, body);
        return { status: 200, json: await orRefused(phone.linkByCode(code.replace('-', '').toUpperCase())) };
      },
    },
  ];
}

export function findPhone(simulator: ControlledSimulator, number = ''): ControlledPhone {
  const phone = simulator.phone(number);
  if (!phone) throw new ControlError(404, `no phone has the number ${number}`);
  return phone;
}

/** What the simulated WhatsApp refused to do is the request's fault: 422 with its reason. */
export async function orRefused<T>(action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw new ControlError(422, error instanceof Error ? error.message : String(error));
  }
}

function toPhoneView(phone: ControlledPhone) {
  const { number, name, jid, lid, received } = phone;
  return { number, name, jid, lid, linked: phone.linked(), received: received.length };
}
