import { type DeviceRecord, Failure } from '@postern/contract';
import type { Devices, IdempotencyClaim } from '@postern/registry';
import type { Request } from 'express';
import { assertAdmissible } from '../acceptance/admission.ts';
import { chooseOnlyDevice, deviceNotFound, findDevice } from '../acceptance/device-choice.ts';
import { toEffectiveConnection } from '../acceptance/effective-connection.ts';
import type { LaneLimit } from '../acceptance/lane-limit.ts';
import { assertMayUse } from '../auth/authenticator.ts';
import type { Exchange } from './exchange.ts';

export interface AdmitParts {
  devices: Pick<Devices, 'resolve' | 'ids' | 'get'>;
  ownerOf: (deviceId: string) => Promise<string | undefined>;
  laneLimit: Pick<LaneLimit, 'check'>;
  deviceGraceMs: number;
}

/**
 * Decides, before a byte of the body is read, which device sends and whether it can; answers its id. For a request whose
 * idempotency key was used before, what held then counts: its message was admitted, whatever became of the device.
 */
export async function admit(
  exchange: Exchange,
  claim: IdempotencyClaim | undefined,
  parts: AdmitParts,
): Promise<string> {
  const { request, principal, facts } = exchange;
  const name = readDeviceName(request);
  if (claim) return await findClaimedDevice(exchange, name ?? claim.deviceId, claim, parts);
  const device =
    name === undefined
      ? await chooseOnlyDevice(parts.devices, principal)
      : await findDevice(parts.devices, principal, name);
  facts.device_id = device.device_id;
  await assertReady(device, parts);
  return device.device_id;
}

/** Throws DEVICE_NOT_FOUND, DEVICE_NOT_CONNECTED and QUEUE_FULL for a device that could take no message now. */
export async function assertDeviceReady(deviceId: string, parts: AdmitParts): Promise<void> {
  const device = await parts.devices.get(deviceId);
  if (!device) throw deviceNotFound(deviceId);
  await assertReady(device, parts);
}

async function assertReady(device: DeviceRecord, parts: AdmitParts): Promise<void> {
  const owner = await parts.ownerOf(device.device_id);
  assertAdmissible(device, toEffectiveConnection(device, owner), parts.deviceGraceMs);
  await parts.laneLimit.check(device.device_id);
}

/** The device that a repeated request names, even if it has been removed since. */
async function findClaimedDevice(
  { principal }: Exchange,
  name: string,
  claim: IdempotencyClaim,
  { devices }: AdmitParts,
): Promise<string> {
  if (name !== claim.deviceId) return (await findDevice(devices, principal, name)).device_id;
  assertMayUse(principal, name);
  return name;
}

/** The device's name in the header (URL-decoded, and as it is when it does not decode), else in the query. */
function readDeviceName(request: Request): string | undefined {
  const header = request.get('x-device-id')?.trim();
  if (header !== undefined && header !== '') return decode(header);
  const query = request.query['device_id'];
  if (query === undefined || query === '') return undefined;
  if (typeof query === 'string') return query;
  throw Failure.field('device_id', 'got it more than once');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
