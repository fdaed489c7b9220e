import { Failure } from '@postern/contract';
import { monotonicMs } from '@postern/runtime';

export interface GuessLimit {
  /**
   * Judges an attempt from an address: the name of the key that was right, or undefined. After too many wrong ones throws
   * RATE_LIMITED whatever was presented, except for names that were right from there before.
   */
  judge: (address: string, name: string | undefined) => void;
}

export interface GuessLimitOptions {
  /** `wrong`: it was looked at; `refused`: it was one too many and made no difference. */
  onFailure?: (result: 'wrong' | 'refused') => void;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** So many wrong attempts from one address at once, and then one in each interval. */
const BURST = 30;
const INTERVAL_MS = 1_000;
/** The addresses that are remembered; the one that was silent for longest is forgotten. */
const MAX_ADDRESSES = 10_000;

interface Caller {
  /** Wrong attempts as of `atMs`; one less with each interval. */
  wrong: number;
  atMs: number;
  names: Set<string>;
}

/**
 * Slows the guessing of secrets down, by address. Behind a proxy all callers have one address: there, keys that are in use
 * go on working while somebody guesses, and the proxy has to tell callers apart.
 */
export function createGuessLimit({ onFailure = () => {}, now = monotonicMs }: GuessLimitOptions = {}): GuessLimit {
  const callers = new Map<string, Caller>();

  const recall = (address: string): Caller => {
    const network = toNetwork(address);
    const caller = callers.get(network) ?? { wrong: 0, atMs: now(), names: new Set() };
    callers.delete(network);
    callers.set(network, caller);
    const [oldest] = callers.keys();
    if (callers.size > MAX_ADDRESSES && oldest !== undefined) callers.delete(oldest);
    caller.wrong = Math.max(0, caller.wrong - (now() - caller.atMs) / INTERVAL_MS);
    caller.atMs = now();
    return caller;
  };

  return {
    judge(address, name) {
      const caller = recall(address);
      if (name !== undefined && caller.names.has(name)) return;
      if (caller.wrong > BURST - 1) {
        onFailure('refused');
        throw new Failure('RATE_LIMITED', 'Too many wrong credentials came from this address', {
          retryAfterSeconds: ((caller.wrong - BURST + 1) * INTERVAL_MS) / 1000,
        });
      }
      if (name === undefined) {
        caller.wrong += 1;
        onFailure('wrong');
      } else caller.names.add(name);
    },
  };
}

/** Who has one IPv6 address has 2^64 of them. */
function toNetwork(address: string): string {
  const plain = address.replace(/^::ffff:/, '');
  return plain.includes(':') ? plain.split(':').slice(0, 4).join(':') : plain;
}
