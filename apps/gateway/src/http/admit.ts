import type { DeviceRecord } from '@postern/contract';
import type { DeviceLook } from '@postern/queue';
import type { Devices, IdempotencyClaim, RedisClock } from '@postern/registry';
import { assertAdmissible } from '../acceptance/admission.ts';
import { chooseOnlyDevice, deviceNotFound, findDevice } from '../acceptance/device-choice.ts';
import { toEffectiveConnection } from '../acceptance/effective-connection.ts';
import { queueFull } from '../acceptance/lane-limit.ts';
import { assertMayUse } from '../auth/authenticator.ts';
import { readDeviceName } from './device-name.ts';
import type { Exchange } from './exchange.ts';

export interface AdmitParts {
  devices: Pick<Devices, 'resolve' | 'ids' | 'get'>;
  lookAt: (deviceId: string) => Promise<DeviceLook>;
  /** How many messages may wait in a lane. */
  laneLimit: number;
  deviceGraceMs: number;
  redisClock: Pick<RedisClock, 'servedSince'>;
  /** Throws QUEUE_UNAVAILABLE while nothing more may be accepted, whoever sends. */
  assertTakesMore: () => void;
}

/** The device that a message will be for. */
export interface AdmittedDevice {
  deviceId: string;
  /** When it was registered, in Unix milliseconds; not known for a request that is repeated. */
  createdAt: number | undefined;
}

/**
 * Decides, before a byte of the body is read, which device sends and whether it can. For a request whose
 * idempotency key was used before, what held then counts: its message was admitted, whatever became of the device.
 */
export async function admit(
  exchange: Exchange,
  claim: IdempotencyClaim | undefined,
  parts: AdmitParts,
): Promise<AdmittedDevice> {
  const { request, principal, facts } = exchange;
  const name = readDeviceName(request);
  if (claim) {
    const deviceId = await findClaimedDevice(exchange, name ?? claim.deviceId, claim, parts);
    return { deviceId, createdAt: undefined };
  }
  const look = await findLook(exchange, name, parts);
  facts.device_id = look.device.device_id;
  assertMayUse(principal, look.device.device_id);
  assertReady(look, parts);
  return { deviceId: look.device.device_id, createdAt: look.device.created_at };
}

type FoundDevice = DeviceLook & { device: DeviceRecord };

/** Most requests name their device by its id: then one look is enough. */
async function findLook({ principal }: Exchange, name: string | undefined, parts: AdmitParts): Promise<FoundDevice> {
  if (name === undefined) return await lookAt((await chooseOnlyDevice(parts.devices, principal)).device_id, parts);
  const look = await parts.lookAt(name);
  if (look.device) return { ...look, device: look.device };
  return await lookAt((await findDevice(parts.devices, principal, name)).device_id, parts);
}

async function lookAt(deviceId: string, parts: AdmitParts): Promise<FoundDevice> {
  const look = await parts.lookAt(deviceId);
  if (!look.device) throw deviceNotFound(deviceId);
  return { ...look, device: look.device };
}

/** Throws QUEUE_UNAVAILABLE, DEVICE_NOT_FOUND, DEVICE_NOT_CONNECTED and QUEUE_FULL for a device that could take no message now. */
export async function assertDeviceReady(deviceId: string, parts: AdmitParts): Promise<void> {
  assertReady(await lookAt(deviceId, parts), parts);
}

function assertReady(
  { device, owner, waiting }: FoundDevice,
  { deviceGraceMs, redisClock, laneLimit, assertTakesMore }: AdmitParts,
): void {
  assertTakesMore();
  assertAdmissible(device, toEffectiveConnection(device, owner), deviceGraceMs, redisClock);
  if (waiting >= laneLimit) throw queueFull(device.device_id, waiting);
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
