import type { ServiceProcess } from './service-process.ts';

/** What a service has used so far: CPU seconds, and resident memory in MB. */
export interface Usage {
  cpuSeconds: number;
  residentMb: number;
}

/** Reads a service's own metrics. */
export async function readUsage(service: ServiceProcess): Promise<Usage> {
  const text = await readMetrics(service);
  return {
    cpuSeconds: find(text, 'process_cpu_seconds_total'),
    residentMb: Math.round(find(text, 'process_resident_memory_bytes') / 2 ** 20),
  };
}

/** One series of a service's metrics, e.g. `postern_uploads_total{source="fresh"}`; NaN when there is none. */
export async function readMetric(service: ServiceProcess, series: string): Promise<number> {
  return find(await readMetrics(service), series);
}

async function readMetrics({ ready }: ServiceProcess): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${String(ready['metrics_port'])}/metrics`);
  return await response.text();
}

function find(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
}
