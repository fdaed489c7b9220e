import { randomUUID } from 'node:crypto';
import { type DeviceRecord, Failure, isDeviceId } from '@postern/contract';
import type { Devices } from '@postern/registry';
import { toEffectiveConnection } from '../acceptance/effective-connection.ts';
import { isAbsent } from '../acceptance/field-values.ts';
import { assertMayUse, maySee } from '../auth/authenticator.ts';
import type { Commands } from '../devices/commands.ts';
import { toDeviceView, toStatusView } from '../devices/device-view.ts';
import { readDevice } from './device-name.ts';
import type { Exchange, Handler, Route } from './exchange.ts';
import { readPace } from './read-pace.ts';
import { succeed } from './respond.ts';
import { readTextBody } from './text-body.ts';
import { toFields } from './text-fields.ts';

export interface DevicesParts {
  devices: Pick<Devices, 'create' | 'list' | 'resolve' | 'writePace'>;
  ownerOf: (deviceId: string) => Promise<string | undefined>;
  commands: Pick<Commands, 'run'>;
}

/** Commands that are answered by nothing but their success, and how. */
const DONE = { logout: 'Logged out', reconnect: 'Reconnecting', delete: 'Device removed' } as const;
type PlainCommand = keyof typeof DONE;

/** Devices: registered, looked at, removed, logged out, reconnected. Pairing has its own routes. */
export function deviceRoutes(parts: DevicesParts): Route[] {
  const { devices, ownerOf, commands } = parts;
  const connectionOf = async (device: DeviceRecord) => toEffectiveConnection(device, await ownerOf(device.device_id));
  const view = async (device: DeviceRecord) => toDeviceView(device, await connectionOf(device));

  const command = (name: PlainCommand): Handler => {
    return async (exchange) => answerCommand(exchange, await readDevice(exchange, devices), name, commands);
  };

  return [
    {
      method: 'get',
      path: '/devices',
      access: 'read',
      async handle({ response, principal }) {
        const visible = (await devices.list()).filter(({ device_id }) => maySee(principal, device_id));
        succeed(response, 'List devices', await Promise.all(visible.map(view)));
      },
    },
    {
      method: 'post',
      path: '/devices',
      access: 'manage',
      async handle(exchange) {
        const deviceId = await readNewDeviceId(exchange);
        exchange.facts.device_id = deviceId;
        assertMayUse(exchange.principal, deviceId);
        succeed(exchange.response, 'Device added', await view(await devices.create(deviceId)));
      },
    },
    {
      method: 'get',
      path: '/devices/:device_id',
      access: 'read',
      async handle(exchange) {
        succeed(exchange.response, 'Device info', await view(await readDevice(exchange, devices)));
      },
    },
    {
      method: 'patch',
      path: '/devices/:device_id',
      access: 'manage',
      async handle(exchange) {
        const device = await readDevice(exchange, devices);
        const pace = await readPace(exchange);
        await devices.writePace(device.device_id, pace);
        const { pace: _, ...unpaced } = device;
        succeed(exchange.response, 'Device changed', await view(pace ? { ...unpaced, pace } : unpaced));
      },
    },
    { method: 'delete', path: '/devices/:device_id', access: 'manage', handle: command('delete') },
    {
      method: 'get',
      path: '/devices/:device_id/status',
      access: 'read',
      async handle(exchange) {
        const device = await readDevice(exchange, devices);
        succeed(exchange.response, 'Device status', toStatusView(device, await connectionOf(device)));
      },
    },
    { method: 'post', path: '/devices/:device_id/logout', access: 'manage', handle: command('logout') },
    {
      method: 'post',
      path: '/devices/:device_id/reconnect',
      access: 'manage',
      handle: command('reconnect'),
    },
  ];
}

/** Has the device's owner do something; the answer has no results, as in GoWA's schema. */
export async function answerCommand(
  { response, requestId, signal }: Exchange,
  { device_id: deviceId }: DeviceRecord,
  name: PlainCommand,
  commands: DevicesParts['commands'],
): Promise<void> {
  await commands.run({ name, deviceId, requestId, signal });
  succeed(response, DONE[name]);
}

async function readNewDeviceId({ request, signal }: Exchange): Promise<string> {
  const fields = toFields(request, await readTextBody(request, signal));
  if (!isAbsent(fields.get('webhook_url'))) throw Failure.field('webhook_url', 'there are no webhooks; leave it out');
  const name = fields.get('device_id');
  if (isAbsent(name)) return randomUUID();
  if (typeof name === 'string' && isDeviceId(name)) return name;
  throw Failure.field(
    'device_id',
    'expected 1 to 64 letters, digits, dots, underscores, @ or dashes; neither . nor .. nor a JID',
  );
}
