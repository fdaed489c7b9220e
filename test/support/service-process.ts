import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const END_WITH_PARENT = join(root, 'apps', 'demo', 'src', 'processes', 'end-with-parent.ts');

export type LogLine = Record<string, unknown>;

/** A gateway or worker running as its own process, as in production, with its log lines. */
export interface ServiceProcess {
  /** The fields of its `ready` line. */
  ready: LogLine;
  pid: number;
  /** Everything it wrote on both outputs, as text. */
  output(): string;
  logged(message: string): LogLine[];
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals | null>;
  /** SIGTERM, and SIGKILL after 20 s. */
  stop(): Promise<void>;
}

/** As the image and the project's commands start them; test/deploy/node-options.test.ts compares all of them. */
const NODE_OPTIONS = ['--max-semi-space-size=8'];

/**
 * Starts an app's main.ts, or what was built of it (here, or in a tree elsewhere), with exactly these variables (and PATH),
 * and resolves at its `ready` line. `openFiles` is how many descriptors it may have.
 */
export async function startService(
  app: 'gateway' | 'worker',
  env: Record<string, string>,
  run: 'source' | 'built' | { tree: string } = 'source',
  nodeArgs: readonly string[] = [],
  openFiles?: number,
): Promise<ServiceProcess> {
  const source = ['--conditions=source', join(root, 'apps', app, 'src', 'main.ts')];
  const built = join(typeof run === 'object' ? run.tree : root, 'apps', app, 'dist', 'main.js');
  const ours = ['--import', END_WITH_PARENT, ...NODE_OPTIONS, ...nodeArgs];
  const args = [...ours, ...(run === 'source' ? source : [built])];
  const limited = ['/bin/sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, process.execPath];
  const [command = '', ...first] = openFiles === undefined ? [process.execPath] : limited;
  const child = spawn(command, [...first, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    // The last one by which it notices that we are gone, also when we were killed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('a process without its pipes');
  let output = '';
  const lines: LogLine[] = [];
  stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('exit', killWithUs);
      resolve(signal ?? code);
    });
  });
  const ready = new Promise<LogLine>((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      output += `${line}\n`;
      const fields = parseLine(line);
      if (!fields) return;
      lines.push(fields);
      if (fields['msg'] !== 'ready') return;
      clearTimeout(timer);
      resolve(fields);
    });
    void exited.then((status) => reject(new Error(`${app} ended before it was ready (${status}):\n${output}`)));
    const giveUp = () => {
      // Nobody would know it, nor stop it.
      child.kill('SIGKILL');
      reject(new Error(`${app} was not ready within 30 s:\n${output}`));
    };
    const timer = setTimeout(giveUp, 30_000).unref();
    void exited.then(() => clearTimeout(timer));
  });
  return {
    ready: await ready,
    pid: child.pid ?? 0,
    output: () => output,
    logged: (message) => lines.filter((line) => line['msg'] === message),
    kill: (signal) => child.kill(signal),
    exited,
    stop: () => stopProcess(child, exited),
  };
}

async function stopProcess(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(timer);
}

function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
