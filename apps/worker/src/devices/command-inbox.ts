import { type CommandResult, type DeviceCommand, Failure } from '@postern/contract';
import { toFailureRecord } from '@postern/registry';
import type { Logger } from '@postern/runtime';

export interface CommandInboxOptions {
  execute: (command: DeviceCommand) => Promise<Record<string, string> | undefined>;
  reply: (processId: string, result: CommandResult) => Promise<void>;
  logger: Logger;
}

/** Turns a command that arrived into its result, and the result into a letter to whoever asked. */
export function createCommandInbox({ execute, reply, logger }: CommandInboxOptions): (command: DeviceCommand) => void {
  const run = async (command: DeviceCommand): Promise<CommandResult> => {
    const base = { type: 'command_result' as const, command_id: command.command_id };
    try {
      const results = await execute(command);
      if (!results) return { ...base, outcome: 'not_owner', results: {} };
      return { ...base, outcome: 'done', results };
    } catch (thrown) {
      const failure = Failure.from(thrown);
      logger.warn({ err: failure, command: command.name, device_id: command.device_id }, 'command failed');
      return { ...base, outcome: 'failed', results: {}, failure: toFailureRecord(failure) };
    }
  };
  return (command) => {
    const { name, device_id, request_id } = command;
    logger.info({ command: name, device_id, request_id }, 'command received');
    run(command)
      .then((result) => reply(command.reply_to, result))
      .catch((error: unknown) => logger.warn({ err: error, command: name, device_id }, 'command result not sent'));
  };
}
