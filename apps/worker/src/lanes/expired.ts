import { Failure } from '@postern/contract';

/** The failure of a message whose ttl ran out before it was sent, whether its lane or the sweep finds it. */
export function expired(): Failure {
  return new Failure('EXPIRED', 'The message waited in the queue for longer than its ttl');
}

/** The failure of a message that an owner relayed and nobody saw acknowledged until its ttl ran out. */
export function neverAcknowledged(): Failure {
  return new Failure('ACK_TIMEOUT', 'Sent, but not acknowledged before its ttl ran out; it may have arrived', {
    retryable: false,
  });
}
