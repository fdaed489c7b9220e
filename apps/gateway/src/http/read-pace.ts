import { type DevicePace, Failure } from '@postern/contract';
import { FieldErrors } from '../acceptance/field-errors.ts';
import type { Exchange } from './exchange.ts';
import { readTextBody } from './text-body.ts';
import { mediaType, toFields } from './text-fields.ts';

const EXPECTED = 'expected {"max": …, "window_ms": …}, or null for the default';
const RANGES = { max: [0, 1_000_000], window_ms: [100, 86_400_000] } as const;

/**
 * The pace that a body of `{"pace": {"max": 20, "window_ms": 60000}}` sets; undefined for `{"pace": null}`, which gives
 * the device the workers' default again. Throws VALIDATION_ERROR for everything else, also for other members.
 */
export async function readPace({ request, signal }: Exchange): Promise<DevicePace | undefined> {
  const body = await readTextBody(request, signal);
  if (mediaType(request) !== 'application/json') throw Failure.field('Content-Type', 'expected application/json');
  const fields = toFields(request, body);
  const unknown = [...fields.keys()].find((name) => name !== 'pace');
  if (unknown !== undefined) throw Failure.field(unknown.slice(0, 64), 'cannot be changed; expected pace');
  const pace = fields.get('pace');
  if (pace === undefined) throw Failure.field('pace', `missing; ${EXPECTED}`);
  return pace === null ? undefined : parsePace(pace);
}

function parsePace(pace: unknown): DevicePace {
  if (typeof pace !== 'object' || pace === null || Array.isArray(pace)) throw Failure.field('pace', EXPECTED);
  const given = new Map<string, unknown>(Object.entries(pace));
  const errors = new FieldErrors();
  for (const name of given.keys()) {
    if (!Object.hasOwn(RANGES, name)) errors.add(`pace.${name.slice(0, 64)}`, `unknown; ${EXPECTED}`);
  }
  const read = (name: keyof DevicePace): number => {
    const value = given.get(name);
    const [least, most] = RANGES[name];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    errors.add(`pace.${name}`, `expected a whole number from ${least} to ${most}`);
    return 0;
  };
  const parsed: DevicePace = { max: read('max'), window_ms: read('window_ms') };
  errors.throwIfAny();
  return parsed;
}
