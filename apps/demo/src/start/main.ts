import { existsSync } from 'node:fs';
import { runCommand, untilAborted } from '../processes/run-command.ts';
import { runPostern } from './run-postern.ts';

let isUp = false;

// What the environment says already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env');

await runCommand(
  async (command) => {
    await runPostern(command, process.env, (text) => console.error(text));
    isUp = true;
    await untilAborted(command.signal);
  },
  () => isUp,
);
