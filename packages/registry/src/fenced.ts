import type { Redis } from 'ioredis';
import { HOLDS } from './holds.ts';
import { toDraining, toDrainingKeys } from './script.ts';

/** One write under a device's hash tag. Hash writes take field/value pairs; values may be binary. */
export type FencedWrite =
  | { command: 'HSET'; key: string; fields: [string, string | Buffer][] }
  | { command: 'HDEL'; key: string; fields: string[] }
  | { command: 'DEL'; key: string }
  | { command: 'SET'; key: string; value: string | Buffer; ttlMs: number };

/** Another worker has had a turn since the writer's: nothing was written. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';
}

// Each write is: command, key index, number of arguments, arguments.
const FENCED = toDraining(`${HOLDS}
if not holds(KEYS[1], ARGV[1]) then return 0 end
local i = 2
while i <= #ARGV do
  local command, key, count = ARGV[i], KEYS[tonumber(ARGV[i + 1])], tonumber(ARGV[i + 2])
  local arguments = {}
  for n = 1, count do arguments[n] = ARGV[i + 2 + n] end
  redis.call(command, key, unpack(arguments))
  i = i + 3 + count
end
return 1`);

const CHUNK = 1000;

/**
 * Applies the writes in order, all or none of a batch, only while this token's turn is the newest (`lastHolder`).
 * Throws LeaseLostError otherwise. All keys must share the device's hash tag. The script's text is sent along each time:
 * what Redis does not know by its hash, after a failover for one, would be sent again after what the caller writes next.
 */
export async function writeFenced(
  redis: Redis,
  lastHolderKey: string,
  token: string,
  writes: readonly FencedWrite[],
): Promise<void> {
  const { keys, args } = toScriptCall(lastHolderKey, token, writes);
  if (keys.length === 1) return;
  const touched = toDrainingKeys(keys);
  const reply = await redis.eval(FENCED, touched.length, ...touched, ...args);
  if (reply !== 1) throw new LeaseLostError('the lease of this device is not held any more');
}

function toScriptCall(lastHolderKey: string, token: string, writes: readonly FencedWrite[]) {
  const keys = [lastHolderKey];
  const args: (string | Buffer)[] = [token];
  for (const write of writes) {
    keys.push(write.key);
    for (const chunk of toArguments(write))
      args.push(write.command, String(keys.length), String(chunk.length), ...chunk);
  }
  // ioredis takes buffers, which its types of scripts do not say.
  return { keys, args: args as string[] };
}

/** The write's arguments in chunks that Lua's `unpack` can carry. */
function toArguments(write: FencedWrite): (string | Buffer)[][] {
  if (write.command === 'DEL') return [[]];
  if (write.command === 'SET') return [[write.value, 'PX', String(write.ttlMs)]];
  const flat: (string | Buffer)[] = write.command === 'HSET' ? write.fields.flat() : write.fields;
  const chunks: (string | Buffer)[][] = [];
  for (let start = 0; start < flat.length; start += CHUNK * 2) chunks.push(flat.slice(start, start + CHUNK * 2));
  return chunks;
}
