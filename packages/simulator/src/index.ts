export type { Group } from './accounts/group.ts';
export type { FaultBook } from './faults/fault-book.ts';
export type { Fault, FaultKind, FaultRule } from './faults/fault-rule.ts';
export type { AutoReceipts, Phone } from './phones/phone.ts';
export type { OutgoingContent } from './phones/phone-sender.ts';
export type { ReceivedMessage } from './phones/received-message.ts';
export { type Simulator, type SimulatorOptions, type SimulatorStats, startSimulator } from './simulator.ts';
export type { RelayedMessage } from './stanzas/message-intake.ts';
export type { LiveConnection } from './stanzas/sessions.ts';
