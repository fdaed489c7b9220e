import { createHash } from 'node:crypto';
import { type Simulator, startSimulator } from '@postern/simulator';
import { BufferJSON } from '@whiskeysockets/baileys';

/** What the measuring process asks for, and what it gets back. */
export type Question =
  | { ask: 'start'; senders: string[]; recipients: string[] }
  /** A fault from now on; undefined: none any more. */
  | { ask: 'fault'; fault: Parameters<Simulator['faults']['add']>[0] | undefined }
  | { ask: 'usage' }
  | { ask: 'result'; sha256: string }
  | { ask: 'stop' };

export interface Started {
  webSocketUrl: string;
  noiseRootKey: string;
  certificatePem: string;
  /** The same as a file. */
  certificatePath: string;
  /** One per sender, in Baileys' own JSON. */
  credentials: string[];
}

/** CPU of the whole process (all threads) since its start, and its memory. */
export interface Usage {
  cpuMs: number;
  rssMb: number;
}

export interface Result {
  acked: number;
  /** Distinct messages that were decrypted, downloaded and had this SHA-256. */
  equal: number;
  wrong: number;
}

// The simulator alone, so that its CPU can be told from its clients'. Arguments: round trip in ms, messages kept a phone.
const [rttMs = '0', keep = '100000'] = process.argv.slice(2);
const simulator = await startSimulator({ keep: Number(keep), rttMs: Number(rttMs) });

async function answer(question: Question): Promise<Started | Usage | Result | true | undefined> {
  if (question.ask === 'start') {
    for (const number of [...question.senders, ...question.recipients]) simulator.addPhone({ number });
    return {
      webSocketUrl: simulator.webSocketUrl,
      noiseRootKey: simulator.noiseRootKey,
      certificatePem: simulator.mediaCertificatePem,
      certificatePath: simulator.mediaCertificatePath,
      credentials: question.senders.map((number) =>
        JSON.stringify(simulator.issueCredentials(number), BufferJSON.replacer),
      ),
    };
  }
  if (question.ask === 'fault') {
    if (question.fault) simulator.faults.add(question.fault);
    else simulator.faults.clear();
    return true;
  }
  if (question.ask === 'usage') {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1_000, rssMb: process.memoryUsage.rss() / 2 ** 20 };
  }
  if (question.ask === 'result') return toResult(question.sha256);
  await simulator.stop();
  process.disconnect();
  return undefined;
}

function toResult(sha256: string): Result {
  const received = simulator.phones().flatMap((phone) => phone.received.filter((message) => !message.fromMe));
  const isEqual = (bytes: Buffer | undefined) =>
    bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === sha256;
  const distinct = new Set(received.map(({ bytes }) => bytes));
  const good = new Set([...distinct].filter(isEqual));
  const equal = received.filter(({ bytes, error, copies }) => good.has(bytes) && !error && copies === 1).length;
  return { acked: simulator.stats().messages.acked, equal, wrong: received.length - equal };
}

process.on('message', (question: Question) => {
  void answer(question).then((reply) => {
    if (process.connected) process.send?.(reply);
  });
});
