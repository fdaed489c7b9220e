import { spawn } from 'node:child_process';

/**
 * Stops a process in its tracks, and answers how it goes on. Should this process end before, however, the frozen one is
 * killed: by itself it could not even notice.
 */
export function freezeProcess(pid: number): () => void {
  const guard = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$1" 2>/dev/null', 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.stdin.on('error', () => {});
  guard.unref();
  process.kill(pid, 'SIGSTOP');
  return () => {
    guard.kill('SIGKILL');
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was killed meanwhile.
    }
  };
}
