import { Cluster, type ClusterNode, type ClusterOptions, type Command } from 'ioredis';
import { toReplyCode } from './reply-code.ts';

type SendMore = Parameters<Cluster['sendCommand']> extends [unknown, ...infer More] ? More : never;

/**
 * A cluster's client. Where ioredis gives a command up because nodes sent it to each other too often, it fails with the
 * last node's own words when every node refused it: then it has certainly not been carried out.
 */
export class ClusterClient extends Cluster {
  readonly #onCommand: (command: Command) => void;
  readonly #sent = new WeakSet<Command>();

  /** Calls `onCommand` with each command before it is sent. */
  constructor(nodes: ClusterNode[], options: ClusterOptions, onCommand: (command: Command) => void) {
    super(nodes, { ...options, redisOptions: { ...options.redisOptions, replyMapping: 'legacy' } });
    this.#onCommand = onCommand;
  }

  override sendCommand(command: Command, ...more: SendMore): unknown {
    if (this.#sent.has(command)) return super.sendCommand(command, ...more);
    this.#sent.add(command);
    this.#onCommand(command);
    const { reject } = command;
    let refusal: Error | undefined;
    let isRefused = true;
    command.reject = (error) => reject(isRefused && refusal ? refusal : error);
    // ioredis puts its own in place, which asks other nodes; each node's error comes through this one.
    const answer = super.sendCommand(command, ...more);
    const tryElsewhere = command.reject;
    command.reject = (error) => {
      if (toReplyCode(error) === undefined) isRefused = false;
      else refusal = error;
      tryElsewhere(error);
    };
    return answer;
  }
}
