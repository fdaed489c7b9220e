import { type BinaryNode, decodeBinaryNode, encodeBinaryNode, proto } from '@whiskeysockets/baileys';
import { WebSocket } from 'ws';
import type { NoiseIdentity } from './certificate-authority.ts';
import { FrameReader, toFrame } from './frame-reader.ts';
import { NoiseResponder } from './noise-responder.ts';

export interface ConnectionListener {
  /** The handshake is done: what the client says of itself, and the static key it proved to hold. */
  onIntroduced(connection: Connection, payload: proto.ClientPayload, staticKey: Buffer): void;
  onNode(connection: Connection, node: BinaryNode): void;
  onClosed(connection: Connection): void;
  /** The stream could not be read (handshake, decryption, decoding, or a listener threw); the socket is terminated. */
  onBroken(connection: Connection, error: unknown): void;
}

/** How a connection writes. */
export interface Writing {
  rttMs: number;
  rewrite: (node: BinaryNode) => BinaryNode;
}

/** One client's socket: Noise handshake first, then binary nodes in both directions, in order. */
export class Connection {
  readonly connectedAt = Date.now();
  /** Full JID of the device that logged in on it. */
  device: string | undefined;
  readonly #socket: WebSocket;
  readonly #noise: NoiseResponder;
  readonly #listener: ConnectionListener;
  readonly #writing: Writing;
  readonly #frames = new FrameReader();
  #stage: 'hello' | 'finish' | 'open' = 'hello';
  #frozen = false;
  #incoming: Promise<void> = Promise.resolve();
  #nextId = 1;

  constructor(socket: WebSocket, identity: NoiseIdentity, listener: ConnectionListener, writing: Writing) {
    this.#socket = socket;
    this.#noise = new NoiseResponder(identity);
    this.#listener = listener;
    this.#writing = writing;
    socket.on('message', (bytes: Buffer) => this.#onBytes(bytes));
    socket.on('close', () => listener.onClosed(this));
    socket.on('error', () => socket.terminate());
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN && !this.#frozen;
  }

  /** An id for a stanza the server sends of its own accord. */
  nextId(): string {
    this.#nextId += 1;
    return `${this.connectedAt}.${this.#nextId}`;
  }

  /** Writes a stanza, delayed by the simulated round trip. Silently dropped when the socket is closed or frozen. */
  send(node: BinaryNode): void {
    const written = this.#writing.rewrite(node);
    this.#later(() => this.#write(this.#noise.encrypt(encodeBinaryNode(written))));
  }

  /** Writes a last stanza, if given, and closes the socket in an orderly way. */
  end(last?: BinaryNode): void {
    if (last) this.send(last);
    this.#later(() => {
      if (!this.#frozen) this.#socket.close();
    });
  }

  /** Breaks the socket without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Stops reading and writing for good while the socket stays open, like a peer that lost its network. */
  freeze(): void {
    this.#frozen = true;
    this.#socket.pause();
  }

  #later(action: () => void): void {
    const { rttMs } = this.#writing;
    if (rttMs > 0) setTimeout(action, rttMs);
    else action();
  }

  #write(payload: Uint8Array): void {
    if (this.isOpen) this.#socket.send(toFrame(payload));
  }

  #onBytes(bytes: Buffer): void {
    if (this.#frozen) return;
    try {
      for (const frame of this.#frames.push(bytes)) this.#onFrame(frame);
    } catch (error) {
      this.#break(error);
    }
  }

  #onFrame(frame: Buffer): void {
    if (this.#stage === 'open') {
      const plain = this.#noise.decrypt(frame);
      this.#incoming = this.#incoming
        .then(async () => this.#onNode(await decodeBinaryNode(plain)))
        .catch((error: unknown) => this.#break(error));
      return;
    }
    const message = proto.HandshakeMessage.decode(frame);
    if (this.#stage === 'hello') {
      const serverHello = this.#noise.answerHello(required(message.clientHello?.ephemeral));
      this.#stage = 'finish';
      const answer = proto.HandshakeMessage.encode({ serverHello }).finish();
      this.#later(() => this.#write(answer));
      return;
    }
    const { clientFinish } = message;
    const { clientStatic, payload } = this.#noise.readFinish({
      static: required(clientFinish?.static),
      payload: required(clientFinish?.payload),
    });
    this.#stage = 'open';
    this.#listener.onIntroduced(this, proto.ClientPayload.decode(payload), clientStatic);
  }

  #onNode(node: BinaryNode): void {
    if (!this.#frozen) this.#listener.onNode(this, node);
  }

  #break(error: unknown): void {
    this.#listener.onBroken(this, error);
    this.terminate();
  }
}

function required(bytes: Uint8Array | null | undefined): Uint8Array {
  if (!bytes) throw new Error('a handshake message lacks a field');
  return bytes;
}
