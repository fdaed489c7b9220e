import { type DeviceRecord, Failure } from '@postern/contract';
import type { Devices, PairingQr, PairingQrs } from '@postern/registry';
import { delay, monotonicMs } from '@postern/runtime';

/** What happens while a device is being paired, in order; `paired` and `failed` are the last. */
export type PairingEvent =
  | { type: 'qr'; qr: PairingQr }
  | { type: 'paired'; device: DeviceRecord }
  | { type: 'failed'; reason: string };

export interface PairingParts {
  devices: Pick<Devices, 'get'>;
  qrs: Pick<PairingQrs, 'current'>;
}

const LOOK_EVERY_MS = 300;
/** Between one QR and the next, and before the first one. */
const WITHOUT_QR_MS = 15_000;

/** Throws ALREADY_LOGGED_IN for a device that is linked to an account. */
export function assertPairable({ device_id, jid, connection }: DeviceRecord): void {
  if (jid === undefined || connection.state === 'logged_out') return;
  throw new Failure('ALREADY_LOGGED_IN', 'The device is paired already; log it out first', { details: { device_id } });
}

/** Watches the pairing that the device's owner has begun. Rejects with the signal's reason when it aborts. */
export async function* watchPairing(
  deviceId: string,
  { devices, qrs }: PairingParts,
  signal: AbortSignal,
): AsyncGenerator<PairingEvent, void, undefined> {
  let shown: string | undefined;
  // While it connects anew, a device does not say why it was not connected before.
  let why: string | undefined;
  let giveUpMs = monotonicMs() + WITHOUT_QR_MS;
  for (;;) {
    const device = await devices.get(deviceId);
    if (!device) return yield { type: 'failed', reason: 'the device was removed' };
    if (device.jid !== undefined && device.connection.state !== 'logged_out') return yield { type: 'paired', device };
    const current = await qrs.current(deviceId);
    if (current) giveUpMs = monotonicMs() + WITHOUT_QR_MS;
    if (current && current.qr !== shown) {
      shown = current.qr;
      yield { type: 'qr', qr: current };
    }
    const { state, reason } = device.connection;
    why = reason ?? why;
    const hasEnded = shown !== undefined && !current && (state === 'unpaired' || state === 'disconnected');
    if (hasEnded) return yield { type: 'failed', reason: reason ?? 'nobody scanned the QR in time' };
    if (monotonicMs() > giveUpMs) return yield { type: 'failed', reason: why ?? 'WhatsApp offered no QR in time' };
    await delay(LOOK_EVERY_MS, signal);
  }
}

/** The QR to scan now; waits for it at most `timeoutMs`. Throws DEVICE_NOT_CONNECTED when none comes. */
export async function readFirstQr(
  deviceId: string,
  { devices, qrs }: PairingParts,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<PairingQr> {
  const deadline = monotonicMs() + timeoutMs;
  let why: string | undefined;
  for (;;) {
    const current = await qrs.current(deviceId);
    if (current) return current;
    const device = await devices.get(deviceId);
    if (device) assertPairable(device);
    why = device?.connection.reason ?? why;
    if (monotonicMs() > deadline) {
      throw new Failure('DEVICE_NOT_CONNECTED', `WhatsApp offered no QR: ${why ?? 'no answer'}`, {
        details: { device_id: deviceId },
      });
    }
    await delay(LOOK_EVERY_MS, signal);
  }
}
