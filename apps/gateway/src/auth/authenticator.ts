import { timingSafeEqual } from 'node:crypto';
import { Failure } from '@postern/contract';
import { ACTIONS, type Action, type Credential, type Principal, sha256 } from './credentials.ts';
import { createGuessLimit, type GuessLimit } from './guess-limit.ts';

/** The credentials of one request, as its headers carry them. */
export interface PresentedCredentials {
  authorization: string | undefined;
  apiKey: string | undefined;
  /** Where they came from. */
  address: string | undefined;
}

/** How somebody proved who they are. `open`: nothing is configured, only this machine can connect. */
export type Proof = 'open' | 'key' | 'basic' | 'cookie';

export interface Authenticated {
  principal: Principal;
  proof: Proof;
  /** The credential that was shown; absent when none is configured. */
  credentialId?: string;
}

export interface Authenticator {
  /** Whether anything is configured; without, everybody who can connect may do everything. */
  isOpen: boolean;
  /** The challenges that a 401 names, each for a header of its own: Chromium reads only the first of a list. */
  challenges: string[];
  /** Who presents these; undefined when nothing matches. Throws RATE_LIMITED after too many that did not. */
  identify(presented: PresentedCredentials): Authenticated | undefined;
  /** Who began a session with the credential of this id; undefined when it is not configured any more. */
  byCredential(id: string): Authenticated | undefined;
}

const EVERYBODY: Principal = { name: 'local', devices: 'all', actions: new Set(ACTIONS) };

/** Compares by SHA-256 and in constant time, always against every credential. */
export function createAuthenticator(
  credentials: readonly Credential[],
  guesses: GuessLimit = createGuessLimit(),
): Authenticator {
  const isOpen = credentials.length === 0;
  const find = (scheme: Credential['scheme'], secret: string): Authenticated | undefined => {
    const digest = sha256(secret);
    let found: Credential | undefined;
    for (const credential of credentials) {
      const matches = timingSafeEqual(credential.digest, digest) && credential.scheme === scheme;
      if (matches) found ??= credential;
    }
    return found && { principal: found.principal, proof: scheme, credentialId: found.id };
  };
  const schemes = new Set(credentials.map(({ scheme }) => scheme));
  return {
    isOpen,
    challenges: ['Bearer realm="Postern"', ...(schemes.has('basic') ? ['Basic realm="Postern"'] : [])],
    identify({ authorization, apiKey, address = '' }) {
      if (isOpen) return { principal: EVERYBODY, proof: 'open' };
      if (authorization === undefined && apiKey === undefined) return undefined;
      const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)\s*$/.exec(authorization ?? '') ?? [];
      const byHeader = () => {
        if (scheme.toLowerCase() === 'bearer') return find('key', value);
        if (scheme.toLowerCase() === 'basic') return find('basic', Buffer.from(value, 'base64').toString('utf8'));
        return undefined;
      };
      const found = byHeader() ?? (apiKey === undefined ? undefined : find('key', apiKey));
      guesses.judge(address, found?.principal.name);
      return found;
    },
    byCredential(id) {
      const found = credentials.find((credential) => credential.id === id);
      return found && { principal: found.principal, proof: 'cookie', credentialId: id };
    },
  };
}

/** Throws FORBIDDEN unless the principal may do one of these. */
export function assertMayAct(principal: Principal, actions: readonly Action[]): void {
  if (actions.some((action) => principal.actions.has(action))) return;
  throw new Failure('FORBIDDEN', `This key may not ${actions.join(' or ')}`);
}

export function maySee(principal: Principal, deviceId: string): boolean {
  return principal.devices === 'all' || principal.devices.has(deviceId);
}

/** Throws FORBIDDEN unless the principal may use the device. */
export function assertMayUse(principal: Principal, deviceId: string): void {
  if (maySee(principal, deviceId)) return;
  throw new Failure('FORBIDDEN', 'This key may not use this device', { details: { device_id: deviceId } });
}
