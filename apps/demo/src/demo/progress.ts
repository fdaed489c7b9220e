import { monotonicMs } from '@postern/runtime';

/** Says what is going on, one line a step, with the seconds since the start. */
export type Progress = (text: string) => void;

/** To standard error when standard output is promised to a reader. */
export function createProgress(json: boolean): Progress {
  const startedAt = monotonicMs();
  return (text) => {
    const seconds = ((monotonicMs() - startedAt) / 1000).toFixed(1).padStart(5);
    (json ? process.stderr : process.stdout).write(`${seconds} s  ${text}\n`);
  };
}
