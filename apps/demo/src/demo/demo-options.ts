import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Stop after the proof instead of staying up. */
  once: boolean;
  /** Standard output carries one JSON line and nothing else. */
  json: boolean;
}

/** Parses the command line; throws with a usage line for anything unknown. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { once: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
    return values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\nUsage: npm run demo [-- [--once] [--json]]`);
  }
}
