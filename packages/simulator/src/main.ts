import { env, readEnv, runService } from '@postern/runtime';
import { z } from 'zod';
import { startSimulator } from './simulator.ts';

const variables = z.object({
  SIM_PORT: env.integer(8787, 0, 65_535),
  SIM_CONTROL_PORT: env.integer(8788, 0, 65_535),
  SIM_MEDIA_PORT: env.integer(0, 0, 65_535),
  SIM_PHONES: env.list(),
  SIM_STATE_DIR: env.string(),
  SIM_RTT_MS: env.integer(0, 0, 60_000),
  LOG_LEVEL: env.logLevel(),
});

await runService({
  name: 'simulator',
  readConfig() {
    const read = readEnv(variables, process.env);
    return { ...read, logLevel: read.LOG_LEVEL };
  },
  async start({ SIM_PORT, SIM_CONTROL_PORT, SIM_MEDIA_PORT, SIM_PHONES, SIM_STATE_DIR, SIM_RTT_MS }, logger) {
    const simulator = await startSimulator({
      port: SIM_PORT,
      controlPort: SIM_CONTROL_PORT,
      mediaPort: SIM_MEDIA_PORT,
      rttMs: SIM_RTT_MS,
      logger,
      ...(SIM_STATE_DIR === undefined ? {} : { stateDirectory: SIM_STATE_DIR }),
    });
    const numbers = SIM_PHONES.length > 0 ? SIM_PHONES : ['6281234567890', '6281234567891', '6281234567892'];
    for (const number of numbers) simulator.addPhone({ number });
    console.log(`A simulated WhatsApp with ${numbers.length} phones; their screens: ${simulator.controlUrl}`);
    console.log('Point a worker at it with');
    console.log(`WA_WEBSOCKET_URL=${simulator.webSocketUrl}`);
    console.log(`WA_NOISE_ROOT_KEY=${simulator.noiseRootKey}`);
    console.log(`NODE_EXTRA_CA_CERTS=${simulator.mediaCertificatePath}`);
    return simulator;
  },
  stopGraceMs: 5_000,
});
