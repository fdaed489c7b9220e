import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** How long a line may wait for others to be written with it, in milliseconds. */
const GATHER_MS = 50;
const WARN = 40;
/** Written at once when so many characters wait. */
const MAX_LENGTH = 8 * 1024;
const STANDARD_OUTPUT = 1;
/** Between two tries while the reader's pipe is full, and how long a reader may keep us waiting, in milliseconds. */
const FULL_WAIT_MS = 5;
const FULL_BOUND_MS = 1_000;

let output: DestinationStream | undefined;

/**
 * Standard output of the process, for all its loggers: lines are gathered for a moment, because each write is a system
 * call that costs more than the line. A warning or an error goes out at once, with what waits before it, and the end of the
 * process loses nothing; only SIGKILL loses the last moment's lines below `warn`. Lines that nobody reads are dropped: a
 * reader that is gone, or does not read for a second, stops no service.
 */
export function toOutput(): DestinationStream {
  output ??= openOutput();
  return output;
}

function openOutput(): DestinationStream {
  let waiting = '';
  let due: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(due);
    due = undefined;
    const text = waiting;
    waiting = '';
    if (text !== '') writeOut(Buffer.from(text));
  };
  process.once('exit', flush);
  const gathered = {
    // Makes pino tell the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      waiting += line;
      if (gathered.lastLevel >= WARN || waiting.length >= MAX_LENGTH) flush();
      else due ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
  return gathered;
}

function writeOut(bytes: Buffer): void {
  const deadline = performance.now() + FULL_BOUND_MS;
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      if (!isFull || performance.now() > deadline) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_WAIT_MS);
    }
  }
}
