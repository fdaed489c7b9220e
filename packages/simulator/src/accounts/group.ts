import type { Addressing } from './device.ts';

export interface Group {
  /** `…@g.us` */
  readonly jid: string;
  readonly subject: string;
  readonly createdAt: number;
  readonly addressing: Addressing;
  /** Disappearing-message timer of the group, in seconds; 0 is off. */
  ephemeralSeconds: number;
  /** Numbers of the members; the first is the group's administrator. */
  readonly members: Set<string>;
}
