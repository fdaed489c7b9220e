import { type DeviceRecord, Failure, parseNumber } from '@postern/contract';
import type { Devices } from '@postern/registry';
import type { Request } from 'express';
import type { Commands } from '../devices/commands.ts';
import { assertPairable, type PairingParts, readFirstQr } from '../devices/pairing.ts';
import type { QrLinks } from '../devices/qr-links.ts';
import { readDevice } from './device-name.ts';
import type { Exchange, Route } from './exchange.ts';
import { streamPairing } from './login-stream.ts';
import { succeed } from './respond.ts';

export interface LoginParts extends PairingParts {
  devices: Pick<Devices, 'get' | 'resolve'>;
  commands: Pick<Commands, 'run'>;
  qrLinks: QrLinks;
  /** Aborts when the gateway begins to shut down. */
  shuttingDown: AbortSignal;
}

const FIRST_QR_MS = 10_000;
const QR_PIXELS = 512;

/** Pairing a device with an account: by QR (once, or as a stream of fresh ones) or by code. */
export function loginRoutes(parts: LoginParts): Route[] {
  return [
    {
      method: 'get',
      path: '/devices/:device_id/login',
      access: 'manage',
      changes: true,
      handle: async (exchange) => showQr(exchange, await readDevice(exchange, parts.devices), parts),
    },
    {
      method: 'get',
      path: '/devices/:device_id/login/stream',
      access: 'manage',
      changes: true,
      async handle(exchange) {
        const device = await readDevice(exchange, parts.devices);
        await beginLogin(exchange, device, parts);
        await streamPairing(exchange, device.device_id, parts);
      },
    },
    {
      method: 'post',
      path: '/devices/:device_id/login/code',
      access: 'manage',
      handle: async (exchange) => pairByCode(exchange, await readDevice(exchange, parts.devices), parts),
    },
    {
      method: 'get',
      path: '/devices/:device_id/login/qr.png',
      access: 'public',
      handle: (exchange) => drawQr(exchange, parts),
    },
  ];
}

/** Has the device's owner show QRs. */
async function beginLogin(
  { requestId, signal }: Exchange,
  device: DeviceRecord,
  { commands }: LoginParts,
): Promise<void> {
  assertPairable(device);
  await commands.run({ name: 'login', deviceId: device.device_id, requestId, signal });
}

/** Begins a pairing and answers its first QR. */
export async function showQr(exchange: Exchange, device: DeviceRecord, parts: LoginParts): Promise<void> {
  const { request, response, signal } = exchange;
  const { device_id } = device;
  await beginLogin(exchange, device, parts);
  const { qr, expiresAt } = await readFirstQr(device_id, parts, { timeoutMs: FIRST_QR_MS, signal });
  succeed(response, 'Scan the QR', {
    device_id,
    qr_link: toAbsolute(request, parts.qrLinks.sign(device_id, expiresAt)),
    qr_duration: Math.max(1, Math.round((expiresAt - Date.now()) / 1000)),
    qr,
  });
}

/** Answers the code to enter on the phone whose number is in the query. */
export async function pairByCode(
  { request, response, requestId, signal }: Exchange,
  device: DeviceRecord,
  { commands }: LoginParts,
): Promise<void> {
  const text = request.query['phone'];
  if (typeof text !== 'string' || text.trim() === '') {
    throw Failure.field('phone', 'missing; expected the number of the account, as ?phone=');
  }
  const phone = parseNumber(text, 'phone');
  assertPairable(device);
  const { device_id } = device;
  const { pair_code } = await commands.run({ name: 'pair_code', deviceId: device_id, phone, requestId, signal });
  if (pair_code === undefined) throw new Failure('INTERNAL_ERROR', 'The worker answered without a code');
  succeed(response, 'Enter this code on the phone', { device_id, pair_code });
}

/** The picture behind `qr_link`: its signature stands for the key. */
async function drawQr({ request, response }: Exchange, { qrs, qrLinks }: LoginParts): Promise<void> {
  const deviceId = String(request.params['device_id']);
  const { expires, signature } = request.query;
  const isSigned =
    typeof expires === 'string' && typeof signature === 'string' && qrLinks.isValid(deviceId, expires, signature);
  const current = isSigned ? await qrs.current(deviceId) : undefined;
  if (!current) throw new Failure('NOT_FOUND', 'This QR is not valid any more');
  const { toBuffer } = await import('qrcode');
  const png = await toBuffer(current.qr, { type: 'png', width: QR_PIXELS, margin: 2 });
  response.status(200).set('Cache-Control', 'no-store').type('png').end(png);
}

/** As the caller sees this server, behind a proxy that ends TLS too. */
function toAbsolute(request: Request, path: string): string {
  const host = request.get('host') ?? '';
  if (!/^[A-Za-z0-9.\-_[\]:]+$/.test(host)) return path;
  const scheme = request.get('x-forwarded-proto') === 'https' ? 'https' : request.protocol;
  return `${scheme}://${host}${path}`;
}
