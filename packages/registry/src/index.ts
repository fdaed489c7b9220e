export { readSigningSecret, verifySameBlobStore } from './agreements.ts';
export { type ConnectOptions, connectRedis, redisOptions } from './connect.ts';
export { createDevices, type Devices, toBareJid } from './devices.ts';
export { type FencedWrite, LeaseLostError, writeFenced } from './fenced.ts';
export { createKeys, type DeviceKeys, type Keys } from './keys.ts';
export { createLeases, type Lease, type Leases, type Renewal, readOwner } from './leases.ts';
export { createMessages, type Messages, toFailureRecord } from './messages.ts';
export { createPairingQrs, type PairingQr, type PairingQrs } from './pairing-qr.ts';
export { createScript } from './script.ts';
