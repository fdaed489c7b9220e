export { type ConnectOptions, connectRedis, redisOptions } from './connect.ts';
export { type FencedWrite, LeaseLostError, writeFenced } from './fenced.ts';
export { createKeys, type DeviceKeys, type Keys } from './keys.ts';
export { createLeases, type Lease, type Leases, type Renewal, readOwner } from './leases.ts';
export { createScript } from './script.ts';
