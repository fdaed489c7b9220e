import type { Stack } from './stack.ts';

/** Shorter texts could stand in a log by chance. */
const MIN_BYTES = 16;

/**
 * Every key that Redis holds for a device now (credentials and Signal state are JSON with keys in base64), each in the
 * ways in which it could be printed.
 */
export async function readKeyMaterial({ redis }: Stack, deviceId: string): Promise<Set<string>> {
  const found = new Set<string>();
  const keys = await redis.keys(`postern:{${deviceId}}:*`);
  for (const key of keys.filter((name) => /:(credentials|signal:.*)$/.test(name))) {
    // The first byte says that what follows is not encrypted.
    for (const value of await redis.hvalsBuffer(key)) collect(JSON.parse(value.subarray(1).toString()), found);
  }
  return found;
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64');
    const isBase64 = bytes.length >= MIN_BYTES && bytes.toString('base64') === value;
    if (isBase64) for (const encoding of ['base64', 'base64url', 'hex'] as const) found.add(bytes.toString(encoding));
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) collect(part, found);
  }
}
