import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of this folder as a process of its own, which answers one question after the other. */
export interface ChildProgram<Question> {
  pid: number;
  ask<Answer>(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

export function startProgram<Question extends object>(
  name: string,
  args: string[] = [],
  env: Record<string, string> = {},
): ChildProgram<Question> {
  const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = fork(path, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, ...env } });
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const exited = once(child, 'exit').finally(() => process.off('exit', killWithUs));
  return {
    pid: child.pid ?? 0,
    async ask<Answer>(question: Question) {
      const answered = once(child, 'message');
      child.send(question);
      const ended = exited.then(() => Promise.reject(new Error(`${name} ended`)));
      const [answer] = (await Promise.race([answered, ended])) as [Answer | { failed: string }];
      if (typeof answer === 'object' && answer !== null && 'failed' in answer && typeof answer.failed === 'string')
        throw new Error(answer.failed);
      return answer as Answer;
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Answers the questions of the process that started this one; a failure is thrown there. */
export function answerQuestions(answer: (question: never) => Promise<unknown>): void {
  process.on('message', (question) => {
    answer(question as never).then(
      (reply) => process.send?.(reply),
      (error: unknown) => process.send?.({ failed: String(error) }),
    );
  });
}
