import type { Measurement, Role } from './measure.ts';
import type { ScenarioResult } from './run-scenario.ts';

export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** A scenario in figures: medians of its rounds, and how it compares, round by round, with its baseline. */
export interface ScenarioReport {
  name: string;
  title: string;
  messages: number;
  failed: number;
  errors: string[];
  perSecond: Spread;
  latencyMs: { p50: number; p95: number; p99: number };
  cpuMs: Partial<Record<Role, number>>;
  residentMb: Partial<Record<Role, number>>;
  peakMb: Partial<Record<Role, number>>;
  baseline?: {
    messages: number;
    failed: number;
    perSecond: Spread;
    p50: number;
    p95: number;
    p99: number;
    cpuMs: number;
  };
  /** CPU of gateway, worker and Redis to that of the baseline; messages a second; p50 in milliseconds more. */
  compared?: { cpuRatio: Spread; rateRatio: Spread; p50MoreMs: Spread };
}

const OURS = ['gateway', 'worker', 'redis', 'simulator', 'load'] as const satisfies Role[];

export function toReport({ scenario, ours, baseline }: ScenarioResult): ScenarioReport {
  const roles = (field: 'cpuMs' | 'residentMb' | 'peakMb') =>
    Object.fromEntries(OURS.map((role) => [role, spread(ours.map((run) => run[field][role])).median]));
  const pairs = ours.flatMap((run, index) => {
    const bare = baseline[index];
    return bare ? [{ run, bare }] : [];
  });
  return {
    name: scenario.name,
    title: scenario.title,
    messages: sum(ours, 'messages'),
    failed: sum(ours, 'failed'),
    errors: [...ours, ...baseline].flatMap(({ error }) => error ?? []),
    perSecond: spread(ours.map(({ perSecond }) => perSecond)),
    latencyMs: latencies(ours),
    cpuMs: roles('cpuMs'),
    residentMb: roles('residentMb'),
    peakMb: roles('peakMb'),
    ...(pairs.length > 0 && {
      baseline: {
        messages: sum(baseline, 'messages'),
        failed: sum(baseline, 'failed'),
        perSecond: spread(baseline.map(({ perSecond }) => perSecond)),
        ...latencies(baseline),
        cpuMs: spread(baseline.map(({ cpuMs }) => cpuMs.baseline)).median,
      },
      compared: {
        cpuRatio: spread(pairs.map(({ run, bare }) => serviceCpuMs(run) / bare.cpuMs.baseline)),
        rateRatio: spread(pairs.map(({ run, bare }) => run.perSecond / bare.perSecond)),
        p50MoreMs: spread(pairs.map(({ run, bare }) => run.p50 - bare.p50)),
      },
    }),
  };
}

/** The lines of a table in Markdown. */
export function toTable(reports: readonly ScenarioReport[]): string {
  const head = [
    'scenario',
    'msg/s (bare)',
    'p50 / p95 / p99 ms (bare p50)',
    'CPU ms a message: gateway + worker + Redis (bare)',
    'CPU ratio min–median–max',
    'rate ratio',
    'peak MB: gateway, worker',
  ];
  const rows = reports.map(({ title, perSecond, latencyMs: { p50, p95, p99 }, cpuMs, peakMb, baseline, compared }) => [
    title,
    `${show(perSecond.median)}${baseline ? ` (${show(baseline.perSecond.median)})` : ''}`,
    `${show(p50)} / ${show(p95)} / ${show(p99)}${baseline ? ` (${show(baseline.p50)})` : ''}`,
    `${show(cpuMs.gateway)} + ${show(cpuMs.worker)} + ${show(cpuMs.redis)}${baseline ? ` (${show(baseline.cpuMs)})` : ''}`,
    compared ? showSpread(compared.cpuRatio) : '',
    compared ? showSpread(compared.rateRatio) : '',
    `${show(peakMb.gateway)}, ${show(peakMb.worker)}`,
  ]);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

function serviceCpuMs({ cpuMs }: Measurement): number {
  return cpuMs.gateway + cpuMs.worker + cpuMs.redis;
}

function sum(runs: readonly Measurement[], field: 'messages' | 'failed'): number {
  return runs.reduce((total, run) => total + run[field], 0);
}

function latencies(runs: readonly Measurement[]) {
  const median = (field: 'p50' | 'p95' | 'p99') => spread(runs.map((run) => run[field])).median;
  return { p50: median('p50'), p95: median('p95'), p99: median('p99') };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const median = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

function show(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function showSpread({ min, median, max }: Spread): string {
  return `${show(min)}–**${show(median)}**–${show(max)}`;
}
