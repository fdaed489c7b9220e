import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { within } from '@postern/runtime';
import { sourcePath } from './source-path.ts';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceOptions {
  /** For people: `gateway`, `worker`, … */
  name: string;
  /** The service's main file, from the repository's root, as its TypeScript source. */
  script: string;
  /** Its whole environment. */
  environment: Environment;
  /** Each line it writes to standard output. Default: its output goes where ours goes. */
  onLine?: (line: string) => void;
  /** Called once when it ends without having been asked to. */
  onUnexpectedEnd: (error: Error) => void;
  /** How long it may take to stop before it is killed. */
  graceMs: number;
}

export interface Service {
  pid: number;
  /** SIGTERM, then after the grace SIGKILL, to it and whatever it started. */
  stop(): Promise<void>;
}

const LAST_LINES = 25;
/** As in the image and in `npm run gateway|worker`: docs/performance.md, Garbage. */
const NODE_OPTIONS = ['--max-semi-space-size=8'];

/**
 * Starts a service as a child process in a process group of its own, so that a terminal's Ctrl-C reaches only us and
 * we choose the order of the stops. Should this process be killed outright, the child notices and stops by itself.
 */
export function startService(options: ServiceOptions): Service {
  const { name, onLine } = options;
  const withParent = sourcePath('apps/demo/src/processes/end-with-parent.ts');
  const child = spawn(
    process.execPath,
    [...process.execArgv, ...NODE_OPTIONS, '--import', `file://${withParent}`, sourcePath(options.script)],
    {
      detached: true,
      env: options.environment,
      stdio: ['ignore', onLine ? 'pipe' : 'inherit', onLine ? 'pipe' : 'inherit', 'ipc'],
    },
  );
  const lastLines: string[] = [];
  const remember = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
  };
  if (child.stdout && onLine)
    createInterface({ input: child.stdout }).on('line', (line) => (remember(line), onLine(line)));
  if (child.stderr) createInterface({ input: child.stderr }).on('line', remember);

  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      if (!stopping) options.onUnexpectedEnd(new Error([`The ${name} ended ${reason}.`, ...lastLines].join('\n  ')));
      resolve();
    };
    child.once('error', (error) => end(`before it started: ${error.message}`));
    // `close` comes when its output has been read to the end, so that the last words are there.
    child.once('close', (code, signal) => end(signal ? `by ${signal}` : `with code ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    async stop() {
      stopping = true;
      signalGroup(child, 'SIGTERM');
      const late = () => new Error(`the ${name} did not stop within ${options.graceMs} ms`);
      await within(ended, options.graceMs, late).catch(() => {});
      signalGroup(child, 'SIGKILL');
      await ended;
    },
  };
}

function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}
