import type { ServiceProcess } from './service-process.ts';

/** What a service has used so far: CPU seconds, and resident memory in MB. */
export interface Usage {
  cpuSeconds: number;
  residentMb: number;
}

/** Reads a service's own metrics. */
export async function readUsage({ ready }: ServiceProcess): Promise<Usage> {
  const response = await fetch(`http://127.0.0.1:${String(ready['metrics_port'])}/metrics`);
  const text = await response.text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    cpuSeconds: value('process_cpu_seconds_total'),
    residentMb: Math.round(value('process_resident_memory_bytes') / 2 ** 20),
  };
}
