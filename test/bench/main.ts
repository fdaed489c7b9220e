/**
 * What Postern costs and how fast it is, compared with one process of bare Baileys on the same machine in the same run.
 *
 *   npm run bench                           every scenario; a table, and JSON in .postern/bench.json
 *   npm run bench -- --only unique-5mb      one scenario, or several with commas
 *   npm run bench -- --seconds 20           length of one run (default 5), of which each side has three
 *   npm run bench -- --warm-up 10          seconds that both sides work before they are measured (default 60)
 *   npm run bench -- --json                 the JSON on standard output instead of the table
 *   npm run bench -- --cpu-prof FOLDER      V8 profiles of gateway and worker
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCloudPicture } from './cloud-picture.ts';
import { type ScenarioReport, toReport, toTable } from './report.ts';
import { runScenario } from './run-scenario.ts';
import { PICTURES, SCENARIOS } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '60' },
    'cpu-prof': { type: 'string' },
  },
});
const wanted = values.only?.split(',');
const unknown = wanted?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? [];
if (unknown.length > 0) {
  throw new Error(`no scenario ${unknown.join()}; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`);
}
const chosen = SCENARIOS.filter(({ name }) => wanted?.includes(name) ?? true);

const directory = await mkdtemp(join(tmpdir(), 'postern-bench-pictures-'));
const pictures = { small: '', large: '', huge: '' };
const reports: ScenarioReport[] = [];
const startedAt = new Date();
try {
  for (const name of ['small', 'large', 'huge'] as const) {
    pictures[name] = join(directory, `${name}.jpg`);
    if (name !== 'small' && !chosen.some(({ picture }) => picture === name)) continue;
    const { width, height, maxBytes } = PICTURES[name];
    await writeFile(pictures[name], await createCloudPicture(width, height, maxBytes));
  }
  const profiles = values['cpu-prof'];
  const nodeArgs = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
  for (const scenario of chosen) {
    console.error(`${scenario.name}: ${scenario.title}`);
    const options = {
      pictures,
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      warmUpSeconds: Number(values['warm-up']),
      nodeArgs,
    };
    const report = toReport(await runScenario(scenario, options));
    reports.push(report);
    console.error(toTable([report]).split('\n').at(-1));
    for (const error of report.errors) console.error(`  ${error}`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version };
const text = JSON.stringify({ startedAt, endedAt: new Date(), machine, reports }, undefined, 2);
const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.postern', 'bench.json');
await mkdir(dirname(file), { recursive: true });
await writeFile(file, text);
console.log(values.json ? text : toTable(reports));
if (reports.some(({ failed, messages }) => failed > 0 || messages === 0)) process.exitCode = 1;
