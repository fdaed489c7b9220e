import { type ChildProcess, spawn } from 'node:child_process';

// Other processes that end with us may still want to tell Redis so.
const LEFT_FOR_OTHERS_S = 2;

/**
 * Kills the server when this process ends in any way, by SIGKILL a moment later: a shell waits for the end of a pipe that
 * only we hold open. Keeps nothing running by itself.
 */
export function dieWithUs(server: ChildProcess): void {
  if (server.pid === undefined) return;
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  const watcher = spawn(
    '/bin/sh',
    ['-c', `read -r _; sleep ${LEFT_FOR_OTHERS_S}; kill -9 "$1" 2>/dev/null`, 'watcher', String(server.pid)],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    },
  );
  // Without a shell only the `exit` hook is left.
  watcher.once('error', () => {});
  watcher.stdin.on('error', () => {});
  if ('unref' in watcher.stdin && typeof watcher.stdin.unref === 'function') watcher.stdin.unref();
  watcher.unref();
  server.once('exit', () => {
    process.off('exit', kill);
    // The server's process id may soon be somebody else's.
    watcher.kill('SIGKILL');
  });
}
