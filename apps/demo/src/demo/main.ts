import { runCommand, untilAborted } from '../processes/run-command.ts';
import { parseDemoOptions } from './demo-options.ts';
import { createProgress } from './progress.ts';
import { toInvitation, toReport } from './report.ts';
import { runDemo } from './run-demo.ts';

let isUp = false;

await runCommand(
  async (command) => {
    const { once, json } = parseDemoOptions(process.argv.slice(2));
    const say = json ? console.error : console.log;
    const result = await runDemo(command, process.env, createProgress(json));
    say(toReport(result));
    if (json) console.log(JSON.stringify(result.proof));
    if (once) return;
    isUp = true;
    say(toInvitation(result));
    await untilAborted(command.signal);
  },
  () => isUp,
);
