import { readFileSync, writeFileSync } from 'node:fs';

const TICK_MS = 10;

/** CPU of a process and of its children that have ended, in milliseconds, as the operating system counts it. */
export function readCpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}

/** The most memory a process has held since the last reset, in MB. */
export function readPeakMb(pid: number): number {
  return readStatusMb(pid, 'VmHWM');
}

export function readResidentMb(pid: number): number {
  return readStatusMb(pid, 'VmRSS');
}

export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function readStatusMb(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}
