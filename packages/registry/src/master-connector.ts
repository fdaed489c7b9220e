import standalone, { type StandaloneConnectionOptions } from 'ioredis/built/connectors/StandaloneConnector.js';

/**
 * Connects to one address, and is content with a master only: while the address leads to a replica, which refuses every
 * write, the client is not ready, and tries again with its usual delay.
 */
export class MasterConnector extends standalone.default {
  constructor(options: unknown) {
    super(options as StandaloneConnectionOptions);
  }

  /** Called with what INFO says of the server. */
  override check(info: { role?: string }): boolean {
    return info.role !== 'slave';
  }
}
