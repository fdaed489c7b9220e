import { connect } from 'node:net';

const ANSWER_MS = 2_000;

/**
 * Sends one command to a Redis on loopback and resolves with its answer as text (an integer, a status, a bulk string);
 * rejects with Redis' own error, and when it does not answer within 2 s. Answers that are lists are not understood.
 */
export function askRedis(port: number, command: string[], password?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const commands = password === undefined ? [command] : [['AUTH', password], command];
    const socket = connect(port, '127.0.0.1', () => socket.write(commands.map(encode).join('')));
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(ANSWER_MS, () => fail(new Error(`the Redis on port ${port} does not answer`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error(`the Redis on port ${port} closed the connection`)));
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const answers = decode(received);
      const error = answers.find((answer) => answer instanceof Error);
      if (error) return fail(error);
      const answer = answers[commands.length - 1];
      if (answer === undefined || answer instanceof Error) return;
      socket.destroy();
      resolve(answer);
    });
  });
}

function encode(words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** The complete answers at the beginning of what was received. */
function decode(received: string): (string | Error)[] {
  const answers: (string | Error)[] = [];
  for (let rest = received; ; ) {
    const end = rest.indexOf('\r\n');
    if (end === -1) return answers;
    const [type, line] = [rest[0], rest.slice(1, end)];
    rest = rest.slice(end + 2);
    if (type === '$') {
      const length = Number(line);
      if (rest.length < length + 2) return answers;
      answers.push(rest.slice(0, length));
      rest = rest.slice(length + 2);
    } else {
      answers.push(type === '-' ? new Error(line) : line);
    }
  }
}
