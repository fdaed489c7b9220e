import type { Recipient } from '@postern/contract';

/** What the rest of the worker knows of WhatsApp. No Baileys type leaves this folder. */
export interface WhatsApp {
  /**
   * Opens one socket for a device with the credentials in its store (new ones when it has none) and returns at once;
   * what happens is told through `onEvent`. A session ends exactly once, with `closed`, and is never reused.
   */
  open(options: OpenOptions): Session;
  /**
   * Deletes the credentials, Signal keys, timers and stored content of a device that is not linked any more. To be called
   * when its session is closed, with the lease still held; throws LeaseLostError otherwise.
   */
  forget(deviceId: string, leaseToken: string): Promise<void>;
  /**
   * Writes again what its sessions have written in the last seconds: to be called when the store was restarted, because it
   * may have forgotten that.
   */
  rewriteRecent(): Promise<void>;
  /** Whether WhatsApp's server answers from here. */
  canReach(): Promise<boolean>;
}

export interface OpenOptions {
  deviceId: string;
  /** Proof of ownership, checked by each write of credentials and keys, e.g. `worker-1#7`. */
  leaseToken: string;
  /** Called in order; must not throw. */
  onEvent: (event: SessionEvent) => void;
}

/** Why a session ended, mapped once from Baileys' codes; the owner's reaction depends on nothing else. */
export type CloseReason =
  /** 440: another socket took over. Re-read the lease; never reconnect blindly. */
  | 'replaced'
  /** 401: unlinked or logged out on the phone. Credentials are worthless. */
  | 'logged_out'
  /** 515: a new socket with the same credentials, at once. */
  | 'restart_required'
  /** The QR references were used up, or the pairing was refused; nobody is logged in. */
  | 'pairing_ended'
  /** 403: the account is banned or may not connect. */
  | 'forbidden'
  /** Not opened within the connect watchdog's bound. */
  | 'connect_timeout'
  /** Connected, but sends get no acks, or a query poisoned the socket. */
  | 'recycled'
  /** Everything else that went away: lost, refused, 503, network. Back off and reconnect. */
  | 'connection_lost'
  /** We asked for it. */
  | 'closed_by_us';

export type SessionEvent =
  /** A fresh QR to show; the former one is void. */
  | { type: 'qr'; qr: string; expiresInMs: number }
  /** Credentials are stored; WhatsApp now asks for a restart (`closed` with `restart_required` follows). */
  | { type: 'paired'; jid: string; lid: string | undefined }
  /** Logged in and ready to send. */
  | { type: 'connected'; jid: string; lid: string | undefined }
  /** A receipt for a message of ours. `participant` is set in groups. */
  | { type: 'receipt'; messageId: string; status: 'delivered' | 'read'; participant: string | undefined; at: number }
  /** People wrote to this account; the JIDs of their chats. */
  | { type: 'inbound'; chats: string[] }
  /** Somebody could not get the media of a message of ours; the hash is that of `UploadedImage`. */
  | { type: 'media_gone'; sha256Uploaded: string }
  /** An ack that nobody waits for any more (it came after its bound). */
  | { type: 'late_ack'; messageId: string; at: number }
  | { type: 'closed'; reason: CloseReason; code: number | undefined; detail: string };

export interface Session {
  /** Aborts, with a retryable DEVICE_NOT_CONNECTED failure as reason, once the session can send no more. */
  readonly signal: AbortSignal;
  readonly state: 'connecting' | 'pairing' | 'connected' | 'closed';
  /** Asks for a pairing code for this number (digits); only while pairing. */
  requestPairingCode(phone: string): Promise<string>;
  /**
   * Finds out where a message goes, from WhatsApp or a fresh cache. Throws INVALID_JID when WhatsApp says nobody is
   * there or we are not in that group, and a retryable SEND_FAILED when the look-up itself failed.
   */
  lookUp(recipient: Recipient): Promise<Route>;
  /** Whether this number (digits) has WhatsApp. Throws a retryable SEND_FAILED when the server did not tell. */
  isOnWhatsApp(phone: string): Promise<boolean>;
  /** Whether a look-up of this person would ask WhatsApp nothing. */
  knows(recipient: Recipient): boolean;
  /** Looks up together whom later messages go to; best effort: their own look-ups ask for who is not known then. */
  learn(recipients: readonly Recipient[]): Promise<void>;
  /** Encrypts the image and hands it to WhatsApp's media servers. Throws UPLOAD_MEDIA_ERROR. */
  upload(image: OutgoingImage): Promise<UploadedImage>;
  /**
   * Sends and waits for the server's ack of this very id. `onRelayed` is called when the stanza is written. Throws
   * INVALID_JID, VALIDATION_ERROR (the quoted message is not kept any more), SEND_FAILED (`details.reason`: the nack's number), WA_REACHOUT_TIMELOCK (463), ACK_TIMEOUT, or the
   * signal's reason.
   */
  send(message: OutgoingMessage, onRelayed: () => void): Promise<{ acknowledgedAt: number }>;
  /** Unlinks this device on WhatsApp's side, where it can be reached, and ends; `forget` drops its credentials. */
  logout(): Promise<void>;
  /** Closes the socket within a bound, by force if need be; resolves when it is closed for certain. */
  close(reason?: CloseReason): Promise<void>;
}

/** Where a message really goes. Times in seconds. */
export interface Route {
  recipient: Recipient;
  /** The JID to relay to. */
  jid: string;
  /** The chat's own disappearing timer, where it is known. */
  ephemeralSeconds: number | undefined;
}

export interface OutgoingImage {
  bytes: Buffer;
  mimetype: string;
  width: number;
  height: number;
  /** Hex, of `bytes`. */
  sha256: string;
  /** A small JPEG; absent for view-once. */
  thumbnail: Buffer | undefined;
}

/** An image on WhatsApp's media servers; opaque outside this folder but for the hash. */
export interface UploadedImage {
  /** Hex SHA-256 of the encrypted file. */
  sha256Uploaded: string;
  /** The fields of the image message, protobuf-encoded. */
  encoded: Uint8Array;
}

export interface OutgoingMessage {
  messageId: string;
  route: Route;
  image: UploadedImage;
  caption: string;
  viewOnce: boolean;
  forwarded: boolean;
  /** Seconds; 0: none. */
  ephemeralSeconds: number;
  /** Digits. */
  mentions: string[];
  /** The id of the quoted message, one of ours or one seen. */
  quotedMessageId: string | undefined;
}
