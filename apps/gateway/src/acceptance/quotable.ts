import type { Messages } from '@postern/registry';

export interface QuotableParts {
  messages: Pick<Messages, 'read'>;
  /** Whether the content of a message, sent or seen, is kept. */
  hasContent: (deviceId: string, messageId: string) => Promise<boolean>;
}

/** Answers whether a device can quote a message: one of its own that did not fail, or one whose content it has seen. */
export function createQuotable({ messages, hasContent }: QuotableParts) {
  return async (deviceId: string, messageId: string): Promise<boolean> => {
    if (await hasContent(deviceId, messageId)) return true;
    const own = await messages.read(deviceId, messageId);
    return own !== undefined && own.state !== 'failed' && own.state !== 'cancelled';
  };
}
