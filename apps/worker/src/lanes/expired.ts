import { Failure } from '@postern/contract';

/** The failure of a message whose ttl ran out before it was sent, whether its lane or the sweep finds it. */
export function expired(): Failure {
  return new Failure('EXPIRED', 'The message waited in the queue for longer than its ttl');
}
