import { pickPort } from './pick-port.ts';
import type { Command } from './run-command.ts';
import { type Environment, type ServiceOptions, startService } from './service.ts';
import { untilReady } from './until-ready.ts';

export interface GatewayAndWorkerOptions {
  /** What both get; PORT and the two metrics ports are added. */
  environment: Environment;
  port: number;
  metricsPorts: { gateway: number; worker: number };
  /** Added for the worker alone. */
  workerEnvironment: Environment;
  onLine?: (service: 'gateway' | 'worker', line: string) => void;
}

const READY_BOUND_MS = 60_000;
// More than either needs to drain: the gateway waits for requests in hand, the worker for acks.
const GRACE_MS = 12_000;

/**
 * Starts the worker and the gateway and waits until both can work. The gateway starts last, so that it stops first and
 * takes no request that nobody would carry out. The gateway's port must be free.
 */
export async function startGatewayAndWorker(command: Command, options: GatewayAndWorkerOptions): Promise<void> {
  const { lifetime, signal, fail } = command;
  const { environment, port, metricsPorts, workerEnvironment, onLine } = options;
  const gatewayMetricsPort = await pickPort(metricsPorts.gateway);
  const workerMetricsPort = await pickPort(metricsPorts.worker);
  const start = (name: 'gateway' | 'worker', own: Environment) => {
    const service: ServiceOptions = {
      name,
      script: `apps/${name}/src/main.ts`,
      environment: { ...environment, ...own },
      onUnexpectedEnd: fail,
      graceMs: GRACE_MS,
      ...(onLine ? { onLine: (line: string) => onLine(name, line) } : {}),
    };
    lifetime.use(startService(service), (started) => started.stop());
  };
  start('worker', { ...workerEnvironment, METRICS_PORT: String(workerMetricsPort) });
  start('gateway', { PORT: String(port), METRICS_PORT: String(gatewayMetricsPort) });
  await Promise.all([
    untilReady('worker', `http://127.0.0.1:${workerMetricsPort}/readyz`, READY_BOUND_MS, signal),
    untilReady('gateway', `http://127.0.0.1:${port}/readyz`, READY_BOUND_MS, signal),
  ]);
}
