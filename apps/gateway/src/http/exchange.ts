import type { Logger, Span } from '@postern/runtime';
import type { Request, Response } from 'express';
import type { Proof } from '../auth/authenticator.ts';
import type { Action, Principal } from '../auth/credentials.ts';

/** One request being answered: what every route is handed. */
export interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly requestId: string;
  /** Knows the request's id, and the trace's where there is one. */
  logger: Logger;
  /** The request in its trace. */
  span: Span;
  /** Who asks; on a public route somebody without rights. */
  principal: Principal;
  /** How they proved it; absent on a public route. */
  proof?: Proof;
  /** Aborts when the client goes away before its answer. */
  readonly signal: AbortSignal;
  /** What the log line of the outcome says besides status and time. */
  readonly facts: { route?: string; device_id?: string | undefined; message_id?: string | undefined; code?: string };
}

export type Handler = (exchange: Exchange) => Promise<void> | void;

export interface Route {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** Express path; a parameter is `:name`. */
  path: string;
  /** What the key must be allowed to do, one of several; `public` needs no key. */
  access: Action | readonly Action[] | 'public';
  /** Whether a GET does something: a browser that proves its user by itself must then ask for this very site. */
  changes?: true;
  handle: Handler;
}
