import type { Mail } from '@postern/contract';
import type { Logger } from '@postern/runtime';
import type { Commands } from '../devices/commands.ts';
import { toOutcome } from './outcome.ts';
import type { Outcomes } from './outcomes.ts';

export interface MailReceivers {
  outcomes: Pick<Outcomes, 'onSettled'>;
  commands: Pick<Commands, 'onResult'>;
  logger: Logger;
}

/** Gives what arrives for this gateway to who waits for it. */
export function createMailDelivery({ outcomes, commands, logger }: MailReceivers): (mail: Mail) => void {
  return (mail) => {
    if (mail.type === 'message_settled') outcomes.onSettled(mail.message_id, toOutcome(mail));
    else if (mail.type === 'command_result') commands.onResult(mail);
    else logger.warn({ type: mail.type }, 'mail that is not for a gateway');
  };
}
