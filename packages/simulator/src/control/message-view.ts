import type { ReceivedMessage } from '../phones/received-message.ts';

export type MessageView = Omit<ReceivedMessage, 'bytes' | 'thumbnail'> & {
  /** Path of the decrypted picture, when there is one. */
  imagePath?: string;
  thumbnailPath?: string;
};

/** A message as JSON: pictures become paths below the phone's messages. */
export function toMessageView(number: string, { bytes, thumbnail, ...message }: ReceivedMessage): MessageView {
  const path = `/phones/${number}/messages/${encodeURIComponent(message.id)}`;
  return {
    ...message,
    ...(bytes ? { imagePath: `${path}/image` } : {}),
    ...(thumbnail ? { thumbnailPath: `${path}/thumbnail` } : {}),
  };
}
