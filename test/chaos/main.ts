/**
 * Sends messages through real processes while workers, gateways, Redis and connections fail, and audits what came of it.
 *
 *   npm run chaos -- --messages 1000 --devices 8 --gateways 2 --workers 2 --seed 1 [--json]
 *
 * Further: --only kill_worker,stop_worker for some kinds of disturbance, --per-second for a bounded load, --lease-ttl-ms
 * (4000), --logs <folder> for the processes' logs. The schedule follows from the seed and the sizes. Exits with 1 when a
 * message was lost, doubled or overtaken, a device was owned twice, or something is left.
 */
import { parseOptions } from './options.ts';
import { toComplaints, toFigures } from './report.ts';
import { runChaos } from './run-chaos.ts';

const { options, json } = parseOptions(process.argv.slice(2));
const started = performance.now();
const onProgress = (line: string) => {
  console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}`);
};
const findings = await runChaos({ ...options, onProgress });
const complaints = toComplaints(findings);
const figures = { seed: options.seed, ...toFigures(findings) };
console.log(json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2));
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) {
  const { messages, devices, gateways, workers, seed } = options;
  console.error(
    `Again: npm run chaos -- --messages ${messages} --devices ${devices} --gateways ${gateways} --workers ${workers} --seed ${seed}`,
  );
  process.exitCode = 1;
}
