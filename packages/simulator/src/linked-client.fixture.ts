import type { TestContext } from 'node:test';
import type { UserFacingSocketConfig, WASocket } from '@whiskeysockets/baileys';
import { type ClientAuth, openClient, pairClient } from './baileys-client.fixture.ts';
import type { Phone } from './phones/phone.ts';
import { startSimulator } from './simulator.ts';
import type { Simulator, SimulatorOptions } from './simulator-interface.ts';

export interface LinkedClient {
  simulator: Simulator;
  /** The phone the client is linked to. */
  own: Phone;
  friend: Phone;
  auth: ClientAuth;
  socket: WASocket;
}

/** A simulator with two phones and a client linked to the first and logged in; all ended after the test. */
export async function startLinkedClient(
  t: TestContext,
  options: SimulatorOptions & { companions?: number } = {},
  config: Partial<UserFacingSocketConfig> = {},
): Promise<LinkedClient> {
  const { companions = 0, ...rest } = options;
  const simulator = await startSimulator(rest);
  t.after(() => simulator.stop());
  const own = simulator.addPhone({ number: '6281100000001', name: 'Own' });
  const friend = simulator.addPhone({ number: '6281100000002', name: 'Friend', companions });
  const auth = await pairClient(simulator, own);
  const socket = await openClient(simulator, auth, config);
  t.after(() => socket.end(undefined));
  return { simulator, own, friend, auth, socket };
}
