import { within } from '@postern/runtime';
import type { Command } from '../processes/run-command.ts';
import { type Environment, startService } from '../processes/service.ts';
import { RECIPIENT, SENDER } from './sample.ts';

export interface SimulatorProcess {
  /** The phones' screens, and the control API. */
  controlUrl: string;
  /** What points a worker at the simulated WhatsApp. */
  workerEnvironment: Environment;
}

const VARIABLES = ['WA_WEBSOCKET_URL', 'WA_NOISE_ROOT_KEY', 'NODE_EXTRA_CA_CERTS'];
const START_BOUND_MS = 30_000;

/** Starts the simulated WhatsApp with two phones, in a process of its own on free ports, and reads where it listens. */
export async function startSimulatorProcess(
  { lifetime, signal, fail }: Command,
  environment: Environment,
): Promise<SimulatorProcess> {
  const printed = new Map<string, string>();
  const { promise: complete, resolve: announced } = Promise.withResolvers<void>();
  const onLine = (line: string) => {
    const [, name, value] = /^\s*(?:export\s+)?([A-Z_]+)=(.+)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) printed.set(name, value.trim());
    const control = /https?:\/\/(?:127\.0\.0\.1|localhost):\d+/.exec(line)?.[0];
    if (control !== undefined) printed.set('control', control);
    if ([...VARIABLES, 'control'].every((wanted) => printed.has(wanted))) announced();
  };
  const ports = { SIM_PORT: '0', SIM_CONTROL_PORT: '0', SIM_MEDIA_PORT: '0' };
  const service = {
    name: 'simulated WhatsApp',
    script: 'packages/simulator/src/main.ts',
    environment: { ...environment, ...ports, SIM_PHONES: `${SENDER},${RECIPIENT}` },
    onLine,
    onUnexpectedEnd: fail,
    graceMs: 5_000,
  };
  lifetime.use(startService(service), (started) => started.stop());
  await within(
    complete,
    START_BOUND_MS,
    () => new Error('The simulated WhatsApp did not say where it listens'),
    signal,
  );
  return {
    controlUrl: printed.get('control') ?? '',
    workerEnvironment: Object.fromEntries(VARIABLES.map((name) => [name, printed.get(name)])),
  };
}
