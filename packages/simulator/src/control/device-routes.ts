import { z } from 'zod';
import { ControlError, parseBody } from './control-error.ts';
import type { ControlledSimulator } from './controlled-simulator.ts';
import type { Route } from './router.ts';

const close = z.strictObject({ code: z.number().int().min(400).max(599).optional() }).optional();

/** Linked devices and their sockets, and where clients find the simulated WhatsApp. */
export function createDeviceRoutes(simulator: ControlledSimulator): Route[] {
  const { webSocketUrl, noiseRootKey, mediaCertificatePath } = simulator;
  return [
    {
      method: 'GET',
      path: '/connections',
      handle: () => {
        const connections = simulator.connections().map(({ device, connectedAt }) => ({ device, connectedAt }));
        return { status: 200, json: { connections } };
      },
    },
    {
      method: 'POST',
      path: '/connections/:device/close',
      handle: ({ params, body }) => {
        const { device = '' } = params;
        const code = parseBody(close, body)?.code;
        if (!simulator.closeDevice(device, code)) throw new ControlError(404, `${device} is not connected`);
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      path: '/devices/:device',
      handle: ({ params }) => {
        const { device = '' } = params;
        if (!simulator.unlink(device)) throw new ControlError(404, `${device} is not a linked device`);
        return { status: 204 };
      },
    },
    { method: 'GET', path: '/stats', handle: () => ({ status: 200, json: simulator.stats() }) },
    {
      method: 'GET',
      path: '/info',
      handle: () => ({ status: 200, json: { webSocketUrl, noiseRootKey, mediaCertificatePath } }),
    },
  ];
}
