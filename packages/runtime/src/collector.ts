import { setFlagsFromString } from 'node:v8';

export interface CollectorOptions {
  /** What may be allocated since the last full collection before the next one, in percent of what was alive then. */
  roomPercent: number;
  /** How full the young generation may be before it is collected while the process has nothing else to do. V8's own: 80. */
  youngPercent?: number;
}

/**
 * Tells V8's collector that this process moves large buffers through a small heap. V8 counts them as growth of that heap: a worker
 * with 40 MB of it marked all of it for every second picture of 5 MB. For the whole process; call it first.
 *
 * Buffers that have died are also freed and counted at once instead of on a thread: until that is done they count as
 * alive, which starts the next collection early.
 */
export function tuneCollector({ roomPercent, youngPercent }: CollectorOptions): void {
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
  setFlagsFromString(`--heap-growing-percent=${roomPercent}`);
  if (youngPercent !== undefined) setFlagsFromString(`--minor-gc-task-trigger=${youngPercent}`);
}
