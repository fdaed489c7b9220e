// A process under the given collector options (as JSON) that tells what V8 then does, as JSON.
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CollectorOptions, tuneCollector } from './collector.ts';

/** What the process prints. */
export interface Seen {
  /** MB that V8 counts outside of its heap right after 20 MB of buffers there were collected. */
  external: number;
  /** Young collections in a process that often has nothing to do and leaves 200 MB of small garbage. */
  young: number;
  /** Full collections while what is alive grows to some 150 MB. */
  full: number;
}

const options = JSON.parse(process.argv[2] ?? 'null') as CollectorOptions | null;
if (options) tuneCollector(options);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how?: { type: 'minor' }) => void;

const counts = { full: 0, young: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) counts.full += 1;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) counts.young += 1;
  }
}).observe({ entryTypes: ['gc'] });

async function grow(): Promise<number> {
  collect();
  await delay(20);
  counts.full = 0;
  const alive: object[] = [];
  for (let index = 0; index < 1_500_000; index += 1) {
    alive.push({ index, text: String(index) });
    if (index % 20_000 === 0) await delay(1);
  }
  await delay(20);
  return alive.length > 0 ? counts.full : 0;
}

async function litter(): Promise<number> {
  counts.young = 0;
  for (let turn = 0; turn < 400; turn += 1) {
    Array.from({ length: 8_000 }, (_, index) => ({ index, turn }));
    await delay(1);
  }
  await delay(20);
  return counts.young;
}

function dropBuffers(): number {
  for (let index = 0; index < 320; index += 1) Buffer.allocUnsafeSlow(64 * 1024);
  collect({ type: 'minor' });
  return process.memoryUsage().external / 1024 / 1024;
}

const seen: Seen = { external: dropBuffers(), young: await litter(), full: await grow() };
process.stdout.write(JSON.stringify(seen));
