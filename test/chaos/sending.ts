/** One message as its client knows it. Times in Unix milliseconds. */
export interface Sending {
  /** Its idempotency key, and its caption. */
  key: string;
  device: string;
  /** The recipient's number. */
  phone: string;
  /** Of the picture, in hex. */
  sha256: string;
  /** When its first request began. */
  startedAt: number;
  /** When an answer first told that it is accepted. */
  acceptedAt?: number;
  /** Every message id an answer named, each once. */
  ids: string[];
  /** Answers and errors that told of no acceptance, by code. */
  refusals: Map<string, number>;
  /** How often its request was made. */
  requests: number;
}
