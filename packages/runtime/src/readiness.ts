import { within } from './clock.ts';

/** One thing that a process needs for its work. */
export interface ReadinessCheck {
  /** One word, e.g. `redis`; it stands before the problem. */
  name: string;
  /** What is wrong, for an operator; undefined when nothing is. A rejection counts as a problem, too. */
  findProblem: () => Promise<string | undefined> | string | undefined;
}

/** What keeps a process from working, one line for each check that found something; empty when it can work. */
export type Readiness = () => Promise<string[]>;

const CHECK_MS = 2_000;

/** Asks all checks at once. One that has not answered after 2 s is a problem. */
export function createReadiness(checks: readonly ReadinessCheck[]): Readiness {
  return async () => {
    const lines = await Promise.all(checks.map(toLine));
    return lines.filter((line) => line !== undefined);
  };
}

async function toLine({ name, findProblem }: ReadinessCheck): Promise<string | undefined> {
  const found = (async () => findProblem())();
  const problem = await within(found, CHECK_MS, () => new Error('no answer')).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  return problem === undefined ? undefined : `${name}: ${problem}`;
}
