import { type Measurement, measure } from './measure.ts';
import type { LoadResult, LoadShape } from './run-load.ts';
import type { Scenario } from './scenarios.ts';
import { startWorld, type World } from './world.ts';

export interface ScenarioResult {
  scenario: Scenario;
  ours: Measurement[];
  baseline: Measurement[];
}

export interface RunOptions {
  /** Files of the pictures. */
  pictures: Record<Scenario['picture'], string>;
  rounds: number;
  /** Of one run; a scenario may set its own. */
  seconds: number;
  /** Both sides work for that long first: the compiler goes on improving busy code for a minute; services run for weeks. */
  warmUpSeconds: number;
  /** Of gateway and worker, for Node. */
  nodeArgs: readonly string[];
}

const FIRST_RECIPIENT = 628_100_000_000;
/** The bare baseline is slow with new contacts; it needs no more of them to show its rate. */
const BASELINE_NEW_CONTACTS = 60;

/** Starts the scenario's world, warms up both sides, and lets them take turns. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const rounds = Math.min(options.rounds, scenario.rounds ?? options.rounds);
  const perRound = scenario.newContacts === undefined ? 0 : scenario.newContacts + BASELINE_NEW_CONTACTS;
  const count = scenario.recipients + rounds * perRound;
  const recipients = Array.from({ length: count }, (_, index) => String(FIRST_RECIPIENT + index));
  const world = await startWorld(scenario, { recipients, nodeArgs: options.nodeArgs });
  try {
    const sides = createSides(world, scenario, options, recipients);
    const warmUp = { seconds: options.warmUpSeconds, inFlight: scenario.inFlight };
    const known = recipients.slice(0, scenario.recipients);
    // Every device writes once to everybody it will write to, so that sessions and look-ups exist.
    const pairs = { gateway: leastCommonMultiple(world.devices.length, known.length), bare: known.length };
    for (const side of ['gateway', 'bare'] as const) {
      const send = sides[side];
      await send?.(known, { inFlight: 4, seconds: 60, maxMessages: pairs[side] }, 'small');
      await send?.(known, { ...warmUp, ...(scenario.messages && { maxMessages: 2 }) }, scenario.picture);
    }
    const result: ScenarioResult = { scenario, ours: [], baseline: [] };
    let fresh = recipients.slice(scenario.recipients);
    for (let round = 0; round < rounds; round += 1) {
      const { newContacts } = scenario;
      const take = (wanted: number) => {
        if (newContacts === undefined) return known;
        const taken = fresh.slice(0, wanted);
        fresh = fresh.slice(wanted);
        return taken;
      };
      const shape = (to: string[]): LoadShape => ({
        inFlight: scenario.inFlight,
        perSecond: scenario.perSecond,
        seconds: scenario.seconds ?? options.seconds,
        maxMessages: newContacts === undefined ? scenario.messages : to.length,
      });
      const mine = take(newContacts ?? 0);
      result.ours.push(await measure(world, () => sides.gateway(mine, shape(mine), scenario.picture)));
      const { bare } = sides;
      if (!bare) continue;
      const theirs = take(BASELINE_NEW_CONTACTS);
      result.baseline.push(await measure(world, () => bare(theirs, shape(theirs), scenario.picture)));
    }
    return result;
  } finally {
    await world.stop();
  }
}

type Side = (recipients: string[], shape: LoadShape, picture: Scenario['picture']) => Promise<LoadResult>;

function createSides(world: World, scenario: Scenario, { pictures }: RunOptions, all: string[]) {
  const { load, baseline, url, devices } = world;
  // No number is given twice in a world: a picture seen before would not be uploaded again.
  let next = all.length;
  const numbers = () => {
    if (!scenario.unique) return {};
    next += 100_000;
    return { firstNumber: next };
  };
  const gateway: Side = (recipients, shape, picture) => {
    const { source, fields } = scenario;
    return load.ask({ ...shape, ...numbers(), url, devices, recipients, picture: pictures[picture], source, fields });
  };
  const bare: Side | undefined =
    baseline &&
    ((recipients, shape, picture) =>
      baseline.ask({ ask: 'send', ...shape, ...numbers(), recipients, picture: pictures[picture] }));
  return { gateway, bare };
}

/** Devices and recipients are taken in turn, both: after so many messages every pair has come that ever will. */
function leastCommonMultiple(a: number, b: number): number {
  let multiple = Math.max(a, b);
  while (multiple % a !== 0 || multiple % b !== 0) multiple += Math.max(a, b);
  return multiple;
}
