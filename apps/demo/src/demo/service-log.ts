import { within } from '@postern/runtime';

type LogLine = Readonly<Record<string, unknown>>;

/** Follows what the services log: shows what needs attention, and knows which bytes the worker handed to WhatsApp. */
export class ServiceLog {
  readonly #show: (text: string) => void;
  readonly #sent = new Map<string, string>();
  readonly #waiters = new Map<string, (sha256: string) => void>();

  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  /** One line of a service's standard output. */
  read(service: string, text: string): void {
    const line = parseLine(text);
    if (line === undefined) return;
    const { level, msg, message_id: messageId, sha256_sent: sha256 } = line;
    if (typeof messageId === 'string' && typeof sha256 === 'string') {
      this.#sent.set(messageId, sha256);
      this.#waiters.get(messageId)?.(sha256);
    }
    // What the WhatsApp library itself remarks is no news: each pairing ends in a stream error by design.
    if (line['source'] === 'baileys' || (level !== 'warn' && level !== 'error' && level !== 'fatal')) return;
    const { name: _, time: __, pid: ___, hostname: ____, level: _____, msg: ______, ...facts } = line;
    this.#show(`${service} ${level}: ${String(msg)} ${JSON.stringify(facts)}`);
  }

  /** Hex SHA-256 of the picture's bytes as the worker gave them to WhatsApp, from the line it logs when a message is sent. */
  sentSha256(messageId: string, boundMs: number): Promise<string> {
    const logged = new Promise<string>((resolve) => {
      const known = this.#sent.get(messageId);
      if (known === undefined) this.#waiters.set(messageId, resolve);
      else resolve(known);
    });
    return within(logged, boundMs, () => new Error(`The worker logged nothing about ${messageId} being sent`));
  }
}

function parseLine(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}
