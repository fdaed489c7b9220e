import { Failure } from '@postern/contract';

type Verdict = 'timelock' | 'nobody' | 'retry' | 'final';

/**
 * What the number in a refusing ack means. 463 is the account's reach-out timelock (trying again lengthens it), 479 an
 * invalid stanza, 421 a group whose addressing changed; the others follow HTTP.
 */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  400: 'final',
  401: 'final',
  403: 'final',
  404: 'nobody',
  405: 'final',
  406: 'final',
  408: 'retry',
  409: 'retry',
  421: 'retry',
  429: 'retry',
  463: 'timelock',
  479: 'final',
  500: 'retry',
  502: 'retry',
  503: 'retry',
  504: 'retry',
};

/** The failure of a message that WhatsApp's server refused with this number. Unknown numbers are final. */
export function nackFailure(error: string): Failure {
  const reason = /^\d+$/.test(error) ? Number(error) : error.slice(0, 40);
  const details = { reason };
  switch (VERDICTS[error] ?? 'final') {
    case 'timelock':
      return new Failure('WA_REACHOUT_TIMELOCK', 'WhatsApp does not let this account start new conversations for now', {
        details,
      });
    case 'nobody':
      return new Failure('INVALID_JID', 'WhatsApp knows no such recipient', { details });
    case 'retry':
      return new Failure('SEND_FAILED', `WhatsApp refused the message for now (${reason})`, { details });
    case 'final':
      return new Failure('SEND_FAILED', `WhatsApp refused the message (${reason})`, { details, retryable: false });
  }
}
