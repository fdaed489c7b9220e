import type { RelayedMessage, Simulator, SocketEvent } from '@postern/simulator';

/** A worker that was killed or told to stop, with the devices it owned. Times in Unix milliseconds, here as below. */
export interface LetGo {
  how: 'killed' | 'stopped';
  devices: string[];
  at: number;
}

export interface Outage {
  from: number;
  to: number;
}

/** Everything that was seen to happen, in order. */
export interface Witness {
  stanzas: RelayedMessage[];
  sockets: SocketEvent[];
  letGo: LetGo[];
  /** Of Redis. */
  outages: Outage[];
  /** Workers that were stopped in their tracks, with the JIDs of the devices they owned. */
  frozen: (Outage & { devices: string[] })[];
}

/** Notes what the simulated server sees from now on; the rest is for the others to add. */
export function createWitness(simulator: Simulator): Witness {
  const witness: Witness = { stanzas: [], sockets: [], letGo: [], outages: [], frozen: [] };
  simulator.onMessage((message) => witness.stanzas.push(message));
  simulator.onSocket((event) => witness.sockets.push(event));
  return witness;
}
