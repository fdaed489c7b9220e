import { z } from 'zod';
import { ControlError, parseBody } from './control-error.ts';
import type { ControlledGroup, ControlledSimulator } from './controlled-simulator.ts';
import { numberSchema } from './phone-routes.ts';
import type { Route } from './router.ts';

const newGroup = z.strictObject({
  subject: z.string().min(1).max(100),
  members: z.array(numberSchema).min(1).max(1_024),
  ephemeralSeconds: z.number().int().min(0).optional(),
});

/** Groups of the simulated WhatsApp. */
export function createGroupRoutes(simulator: ControlledSimulator): Route[] {
  return [
    {
      method: 'GET',
      path: '/groups',
      handle: () => ({ status: 200, json: { groups: simulator.groups().map(toGroupView) } }),
    },
    {
      method: 'POST',
      path: '/groups',
      handle: ({ body }) => {
        const { subject, members, ephemeralSeconds } = parseBody(newGroup, body);
        const missing = members.filter((number) => !simulator.phone(number));
        if (missing.length > 0) throw new ControlError(422, `not on the simulated WhatsApp: ${missing.join(', ')}`);
        const timer = ephemeralSeconds === undefined ? {} : { ephemeralSeconds };
        return { status: 201, json: toGroupView(simulator.addGroup({ subject, members, ...timer })) };
      },
    },
  ];
}

function toGroupView({ jid, subject, members, ephemeralSeconds }: ControlledGroup) {
  return { jid, subject, members: [...members], ephemeralSeconds };
}
