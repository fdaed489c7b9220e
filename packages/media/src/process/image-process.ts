import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { Failure } from '@postern/contract';
import { prepareImage } from '../pipeline/prepare-image.ts';
import { MEMORY_EXCEEDED, type PrepareReply, type PrepareRequest } from './messages.ts';

// The program of the image process: prepares one picture after the other for the worker that started it, and ends with it.
// Its argument is how much memory it may have, in bytes.

const memoryBytes = Number(process.argv[2]);
/** Few enough milliseconds that little is taken between two looks; the decoder runs on another thread. */
const LOOK_MS = 10;

process.on('disconnect', () => process.exit());
process.on('message', (request: PrepareRequest) => {
  void prepare(request).then((reply) => process.send?.(reply));
});
setInterval(() => {
  if (process.memoryUsage.rss() > memoryBytes) process.exit(MEMORY_EXCEEDED);
}, LOOK_MS);
giveWay();

async function prepare({ bytes, options, stepTimeoutMs }: PrepareRequest): Promise<PrepareReply> {
  const { buffer, byteOffset, byteLength } = bytes;
  try {
    const image = await prepareImage(Buffer.from(buffer, byteOffset, byteLength), options, stepTimeoutMs);
    return { type: 'prepared', image };
  } catch (thrown) {
    const { code, message, details, cause } = Failure.from(thrown);
    return { type: 'failed', code, message, details, cause: String(cause) };
  }
}

/** Lets others have the processor first, and makes the kernel choose this process where memory runs out. */
function giveWay(): void {
  try {
    setPriority(10);
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not on every system, and not in every container.
  }
}
