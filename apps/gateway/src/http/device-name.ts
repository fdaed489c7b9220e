import { type DeviceRecord, Failure } from '@postern/contract';
import type { Devices } from '@postern/registry';
import type { Request } from 'express';
import { chooseOnlyDevice, findDevice } from '../acceptance/device-choice.ts';
import type { Exchange } from './exchange.ts';

/** The device in the path. Throws DEVICE_NOT_FOUND and FORBIDDEN. */
export async function readDevice(exchange: Exchange, devices: Pick<Devices, 'resolve'>): Promise<DeviceRecord> {
  return note(exchange, await findDevice(devices, exchange.principal, String(exchange.request.params['device_id'])));
}

/**
 * The device that a request without one in its path means: named by header or query, else the only one.
 * Throws DEVICE_NOT_FOUND, FORBIDDEN and DEVICE_ID_REQUIRED.
 */
export async function readNamedDevice(
  exchange: Exchange,
  devices: Pick<Devices, 'resolve' | 'ids' | 'get'>,
): Promise<DeviceRecord> {
  const { request, principal } = exchange;
  const name = readDeviceName(request);
  return note(
    exchange,
    await (name === undefined ? chooseOnlyDevice(devices, principal) : findDevice(devices, principal, name)),
  );
}

/** The device's name in the header (URL-decoded, and as it is when it does not decode), else in the query. */
export function readDeviceName(request: Request): string | undefined {
  const header = request.get('x-device-id')?.trim();
  if (header !== undefined && header !== '') return decode(header);
  const query = request.query['device_id'];
  if (query === undefined || query === '') return undefined;
  if (typeof query === 'string') return query;
  throw Failure.field('device_id', 'got it more than once');
}

function note(exchange: Exchange, device: DeviceRecord): DeviceRecord {
  exchange.facts.device_id = device.device_id;
  return device;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
