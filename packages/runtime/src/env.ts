import { z } from 'zod';

/** Every bad environment variable at once; the message is meant to be printed as it is. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const BOOLEANS: Record<string, boolean> = {
  '1': true,
  true: true,
  yes: true,
  on: true,
  '0': false,
  false: false,
  no: false,
  off: false,
};

function string(): z.ZodOptional<z.ZodString>;
function string(fallback: string): z.ZodDefault<z.ZodString>;
function string(fallback?: string) {
  return fallback === undefined ? z.string().optional() : z.string().default(fallback);
}

/** Field readers for `readEnv`; each turns the variable's text into a value or explains what was expected. */
export const env = {
  string,
  integer: (fallback: number, min: number, max: number) =>
    z
      .string()
      .regex(/^-?\d+$/, 'expected a whole number')
      .transform(Number)
      .pipe(z.number().min(min).max(max))
      .default(fallback),
  boolean: (fallback: boolean) =>
    z
      .string()
      .toLowerCase()
      .refine((text) => text in BOOLEANS, 'expected true or false')
      .transform((text) => BOOLEANS[text] === true)
      .default(fallback),
  list: () =>
    z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
  logLevel: () => z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
};

/**
 * Parses environment variables by a zod object schema whose keys are the variables' names.
 * An empty variable counts as unset. Throws one ConfigError that lists every bad variable, never a value.
 */
export function readEnv<S extends z.ZodObject>(
  schema: S,
  variables: Readonly<Record<string, string | undefined>>,
): z.output<S> {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`The environment is not usable:\n${lines.join('\n')}`);
}
