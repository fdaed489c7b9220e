import { type DestinationStream, pino } from 'pino';

/** How long a line may wait for others to be written with it, in milliseconds. */
const GATHER_MS = 50;
const WARN = 40;
/** Written at once when so many bytes wait. */
const MAX_BYTES = 8 * 1024;

let output: DestinationStream | undefined;

/**
 * Standard output of the process, for all its loggers: lines are gathered for a moment, because each write is a system
 * call that costs more than the line. A warning or an error goes out at once, with what waits before it, and the end of the
 * process loses nothing; only SIGKILL loses the last moment's lines below `warn`.
 */
export function toOutput(): DestinationStream {
  output ??= openOutput();
  return output;
}

function openOutput(): DestinationStream {
  const file = pino.destination({ dest: 1, sync: true, minLength: MAX_BYTES });
  let due: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(due);
    due = undefined;
    file.flushSync();
  };
  process.once('exit', flush);
  const gathered = {
    // Makes pino tell the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      file.write(line);
      if (gathered.lastLevel >= WARN) flush();
      else due ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
  return gathered;
}
