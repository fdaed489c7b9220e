// What a message waits when its rate is spread over many devices, and when one of them is stuck, in turns of one run:
//   npm run build && node --conditions=source test/bench/many-devices.ts [devices, 50] [per second, 20] [rounds, 5]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLifetime } from '@postern/runtime';
import { photo } from '../support/pictures.ts';
import { sendImage } from '../support/send-image.ts';
import { createCloudPicture } from './cloud-picture.ts';
import { measure } from './measure.ts';
import type { LoadResult } from './run-load.ts';
import { PICTURES, type Scenario } from './scenarios.ts';
import { startWorld } from './world.ts';

const [devices = 50, perSecond = 20, rounds = 5] = process.argv.slice(2).map(Number);
const SECONDS = 10;
const RECIPIENTS = 20;
const FIRST_RECIPIENT = 628_100_000_000;
/** Messages of the stuck device, of which none ends while it is stuck. */
const STUCK_MESSAGES = 20;

const scenario: Scenario = {
  name: 'many-devices',
  title: `${devices} devices, ${perSecond} a second`,
  picture: 'small',
  unique: true,
  source: 'upload',
  fields: {},
  inFlight: 16,
  recipients: RECIPIENTS,
  devices,
  workers: 1,
  rttMs: 0,
  baseline: false,
};
const recipients = Array.from({ length: RECIPIENTS }, (_, index) => String(FIRST_RECIPIENT + index));

const lifetime = await withLifetime(async (owned) => {
  const directory = owned.use(await mkdtemp(join(tmpdir(), 'postern-bench-')), (path) => rm(path, { recursive: true }));
  const picture = join(directory, 'small.jpg');
  const { width, height, maxBytes } = PICTURES.small;
  await writeFile(picture, await createCloudPicture(width, height, maxBytes));
  const world = owned.use(await startWorld(scenario, { recipients, nodeArgs: [] }), (running) => running.stop());
  let firstNumber = 0;
  const load = (through: string[], shape: { perSecond?: number; seconds: number; maxMessages?: number }) => {
    firstNumber += 100_000;
    const { url } = world;
    return world.load.ask<LoadResult>({
      inFlight: 4,
      ...shape,
      url,
      devices: through,
      recipients,
      picture,
      firstNumber,
      source: 'upload',
      fields: {},
    });
  };
  // Every device writes once to everybody, so that sessions and look-ups exist.
  for (const device of world.devices) await load([device], { seconds: 60, maxMessages: RECIPIENTS });
  const phases: Record<string, { p50: number; p95: number }[]> = { one: [], all: [], stuck: [] };
  const run = async (phase: string, through: string[]) => {
    const { p50, p95, failed } = await measure(world, () => load(through, { perSecond, seconds: SECONDS }));
    if (failed > 0) throw new Error(`${failed} messages of the phase ${phase} failed`);
    phases[phase]?.push({ p50: Math.round(p50), p95: Math.round(p95) });
  };
  const [stuck = '', ...others] = world.devices;
  const image = await photo();
  for (let round = 0; round < rounds; round += 1) {
    await run('one', others.slice(0, 1));
    await run('all', others);
    await world.simulator.ask({ ask: 'fault', fault: { kind: 'freeze', device: world.numbers[0] ?? '', count: null } });
    for (let n = 0; n < STUCK_MESSAGES; n += 1) {
      const phone = recipients[n % RECIPIENTS] ?? '';
      await sendImage(
        world.url,
        stuck,
        { phone, image, caption: `stuck ${round} ${n}` },
        { Prefer: 'respond-async, wait=0' },
      );
    }
    await run('stuck', others);
    await world.simulator.ask({ ask: 'fault', fault: undefined });
  }
  console.log(JSON.stringify({ devices, perSecond, rounds: phases }));
  const ratio = (phase: string) => (phases[phase] ?? []).map(({ p95 }, n) => p95 / (phases['one']?.[n]?.p95 ?? 0));
  const toStuck = (phases['stuck'] ?? []).map(({ p95 }, n) => p95 / (phases['all']?.[n]?.p95 ?? 0));
  const show = (values: number[]) => values.toSorted((a, b) => a - b).map((value) => Number(value.toFixed(2)));
  console.log(JSON.stringify({ p95_all_to_one: show(ratio('all')), p95_stuck_to_all: show(toStuck) }));
  return owned;
});
await lifetime.stop();
