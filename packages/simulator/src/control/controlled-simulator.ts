import type { Group } from '../accounts/group.ts';
import type { FaultBook } from '../faults/fault-book.ts';
import type { Phone } from '../phones/phone.ts';

export type ControlledPhone = Pick<
  Phone,
  'number' | 'name' | 'jid' | 'lid' | 'received' | 'linked' | 'scan' | 'linkByCode' | 'send' | 'read' | 'requestRetry'
>;

export type ControlledGroup = Pick<Group, 'jid' | 'subject' | 'members' | 'ephemeralSeconds'>;

/** What the control API needs of the simulator. */
export interface ControlledSimulator {
  readonly webSocketUrl: string;
  readonly noiseRootKey: string;
  readonly mediaCertificatePath: string;
  readonly faults: FaultBook;
  phones(): readonly ControlledPhone[];
  phone(number: string): ControlledPhone | undefined;
  addPhone(phone: { number: string; name?: string; companions?: number }): ControlledPhone;
  groups(): readonly ControlledGroup[];
  addGroup(group: { subject: string; members: string[]; ephemeralSeconds?: number }): ControlledGroup;
  connections(): readonly { device: string; connectedAt: number }[];
  /** False when the device is not connected. */
  closeDevice(device: string, code?: number): boolean;
  /** False when no device of this JID is linked. */
  unlink(device: string): boolean;
  stats(): object;
  /** Calls back after anything a phone's screen shows has changed; returns how to unsubscribe. */
  onChange(listener: () => void): () => void;
}
