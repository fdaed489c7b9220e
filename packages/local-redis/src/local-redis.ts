import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dieWithUs } from './die-with-us.ts';
import { freePort } from './free-port.ts';
import { recordServer, untilPredecessorEnded } from './predecessor.ts';
import { findOrInstallRedis } from './redis-binary.ts';
import { terminate, unrefServer, untilAnswering } from './server-process.ts';

export interface LocalRedisOptions {
  /** Where the append-only file lives; made readable for this user alone. Default: a temporary one, removed by `stop`. */
  directory?: string;
  /** Asked of every client. Default: none, so that every user of this machine may connect. */
  password?: string;
  /** Default: a free one. A given one must be free: with the same directory it continues a server that was killed. */
  port?: number;
  /** More settings, by their names in redis.conf, each with one value. */
  settings?: Readonly<Record<string, string>>;
  /** Told before each step that takes a while (an installation). */
  onProgress?: (step: string) => void;
}

export interface LocalRedis {
  /** With the password, where there is one. */
  url: string;
  port: number;
  /** The server's process, for tests that kill or stop it. */
  pid: number;
  stop(): Promise<void>;
}

const START_ATTEMPTS = 5;

/**
 * Starts a private Redis on a free loopback port, as durable as Postern asks of any Redis: AOF everysec, noeviction.
 * Resolves when it answers; the server ends with this process, however that ends. Waits for an earlier server of the
 * directory that is still ending (its process was killed), and rejects when that one stays.
 */
export async function startLocalRedis(options: LocalRedisOptions = {}): Promise<LocalRedis> {
  const binary = await findOrInstallRedis(options.onProgress ?? (() => {}));
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'postern-redis-')));
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  await untilPredecessorEnded(directory);
  const removeDirectory = async () => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const server = spawnServer(binary, toConfig(port, directory, options));
    dieWithUs(server);
    try {
      await untilAnswering(server, port);
      await recordServer(directory, { port, password: options.password });
      return toLocalRedis(server, port, options.password, removeDirectory);
    } catch (error) {
      server.kill('SIGKILL');
      // Another process may have taken the port between our look and the start.
      if (attempt < START_ATTEMPTS) continue;
      await removeDirectory();
      throw error;
    }
  }
}

/** The server reads its settings from its standard input: other users see the arguments of a process. */
function spawnServer(binary: string, config: string): ChildProcess {
  // Its files are readable for this user alone.
  const umask = process.umask(0o077);
  try {
    // A terminal's Ctrl-C is for us; Redis stops last, when nobody needs it any more.
    const server = spawn(binary, ['-'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    // A server that could not start says so itself.
    server.stdin.on('error', () => {});
    server.stdin.end(config);
    return server;
  } finally {
    process.umask(umask);
  }
}

function toConfig(port: number, directory: string, { password, settings = {} }: LocalRedisOptions): string {
  const all = {
    bind: '127.0.0.1',
    port,
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    save: '',
    daemonize: 'no',
    ...(password === undefined ? {} : { requirepass: password }),
    ...settings,
  };
  const quote = (value: string) => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return Object.entries(all)
    .map(([name, value]) => `${name} ${quote(String(value))}\n`)
    .join('');
}

function toLocalRedis(
  server: ChildProcess,
  port: number,
  password: string | undefined,
  removeDirectory: () => Promise<void>,
): LocalRedis {
  unrefServer(server);
  return {
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    port,
    pid: server.pid ?? 0,
    async stop() {
      await terminate(server);
      await removeDirectory();
    },
  };
}
