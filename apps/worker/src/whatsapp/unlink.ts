import { S_WHATSAPP_NET, type WASocket } from '@whiskeysockets/baileys';

/** Takes this device off the account's list of linked devices; resolves when WhatsApp has answered. */
export async function unlink(sock: WASocket, jid: string): Promise<void> {
  await sock.query({
    tag: 'iq',
    attrs: { to: S_WHATSAPP_NET, type: 'set', xmlns: 'md' },
    content: [{ tag: 'remove-companion-device', attrs: { jid, reason: 'user_initiated' } }],
  });
}
