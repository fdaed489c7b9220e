import { Failure } from '@postern/contract';

/** A question to WhatsApp that got no usable answer: says nothing about the recipient, and may be asked again. */
export function lookUpFailure(what: string, cause?: unknown): Failure {
  return new Failure('SEND_FAILED', `WhatsApp did not answer the look-up of ${what}`, {
    ...(cause !== undefined && { cause }),
  });
}
