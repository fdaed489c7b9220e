import { type DeviceRecord, Failure, parseRecipient } from '@postern/contract';
import type { Devices } from '@postern/registry';
import { toEffectiveConnection } from '../acceptance/effective-connection.ts';
import { maySee } from '../auth/authenticator.ts';
import { toDeviceListEntry, toStatusView } from '../devices/device-view.ts';
import { readNamedDevice } from './device-name.ts';
import { answerCommand, type DevicesParts } from './devices.ts';
import type { Exchange, Route } from './exchange.ts';
import { type LoginParts, pairByCode, showQr } from './login.ts';
import { succeed } from './respond.ts';

export interface GowaAliasParts extends LoginParts {
  devices: Pick<Devices, 'get' | 'ids' | 'list' | 'resolve'>;
  ownerOf: DevicesParts['ownerOf'];
}

/** Paths that clients of GoWA know, with its shapes; the device is named by header or query, as in a send. */
export function gowaAliasRoutes(parts: GowaAliasParts): Route[] {
  const { devices, ownerOf, commands } = parts;
  const forDevice = (handle: (exchange: Exchange, device: DeviceRecord) => Promise<void>): Route['handle'] => {
    return async (exchange) => handle(exchange, await readNamedDevice(exchange, devices));
  };
  return [
    {
      method: 'get',
      path: '/app/devices',
      access: 'read',
      async handle({ response, principal }) {
        const visible = (await devices.list()).filter(({ device_id }) => maySee(principal, device_id));
        succeed(response, 'Fetch device success', visible.map(toDeviceListEntry));
      },
    },
    {
      method: 'get',
      path: '/app/status',
      access: 'read',
      handle: forDevice(async ({ response }, device) => {
        const connection = toEffectiveConnection(device, await ownerOf(device.device_id));
        const { is_connected, is_logged_in, device_id } = toStatusView(device, connection);
        const results = { is_connected, is_logged_in, device_id, jid: device.jid ?? '' };
        succeed(response, 'Connection status retrieved', results);
      }),
    },
    {
      method: 'get',
      path: '/app/login',
      access: 'manage',
      changes: true,
      handle: forDevice((exchange, device) => showQr(exchange, device, parts)),
    },
    {
      method: 'get',
      path: '/app/login-with-code',
      access: 'manage',
      changes: true,
      handle: forDevice((exchange, device) => pairByCode(exchange, device, parts)),
    },
    {
      method: 'get',
      path: '/app/logout',
      access: 'manage',
      changes: true,
      handle: forDevice((exchange, device) => answerCommand(exchange, device, 'logout', commands)),
    },
    {
      method: 'get',
      path: '/app/reconnect',
      access: 'manage',
      changes: true,
      handle: forDevice((exchange, device) => answerCommand(exchange, device, 'reconnect', commands)),
    },
    {
      method: 'get',
      path: '/user/check',
      access: 'send',
      handle: forDevice(async ({ request, response, requestId, signal }, { device_id: deviceId }) => {
        const phone = readNumber(request.query['phone']);
        const { is_on_whatsapp } = await commands.run({ name: 'check', deviceId, phone, requestId, signal });
        succeed(response, 'Success check user', { is_on_whatsapp: is_on_whatsapp === 'true' });
      }),
    },
  ];
}

/** Digits of a number, given as such or as a person's JID. */
function readNumber(text: unknown): string {
  if (typeof text !== 'string') throw Failure.field('phone', 'expected one number, as ?phone=');
  const { kind, jid } = parseRecipient(text);
  if (kind !== 'person') throw Failure.field('phone', 'expected the number of a person');
  return jid.slice(0, jid.indexOf('@'));
}
