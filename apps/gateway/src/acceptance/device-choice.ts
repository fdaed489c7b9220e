import { type DeviceRecord, Failure } from '@postern/contract';
import type { Devices } from '@postern/registry';
import { assertMayUse, maySee } from '../auth/authenticator.ts';
import type { Principal } from '../auth/credentials.ts';

/**
 * The device that a request names, by id, device JID or bare JID.
 * Throws DEVICE_NOT_FOUND, and FORBIDDEN for a device that is not the principal's, whether it exists or not.
 */
export async function findDevice(
  devices: Pick<Devices, 'resolve'>,
  principal: Principal,
  name: string,
): Promise<DeviceRecord> {
  const device = await devices.resolve(name);
  if (device && maySee(principal, device.device_id)) return device;
  // Says nothing that the caller did not: not what the name leads to, and not whether it leads anywhere.
  assertMayUse(principal, name);
  throw deviceNotFound(name);
}

export function deviceNotFound(name: string): Failure {
  return new Failure('DEVICE_NOT_FOUND', 'There is no such device', { details: { device_id: name } });
}

/** Without a name, the only registered device that the principal may use. Throws DEVICE_ID_REQUIRED otherwise. */
export async function chooseOnlyDevice(
  devices: Pick<Devices, 'ids' | 'get'>,
  principal: Principal,
): Promise<DeviceRecord> {
  const ids = (await devices.ids()).filter((id) => maySee(principal, id));
  const [only] = ids;
  const device = only !== undefined && ids.length === 1 ? await devices.get(only) : undefined;
  if (device) return device;
  throw new Failure(
    'DEVICE_ID_REQUIRED',
    `Name the device in X-Device-Id or device_id: ${ids.length === 0 ? 'none is' : `${ids.length} are`} registered`,
  );
}
