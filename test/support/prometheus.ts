import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { waitUntil } from './wait-until.ts';

export interface PrometheusResult {
  metric: Record<string, string>;
  value: [number, string];
}

export interface Prometheus {
  /** An instant query; throws what Prometheus says is wrong with it. */
  query(expr: string): Promise<PrometheusResult[]>;
  /** Its alerting rules with their health and state. */
  rules(): Promise<RuleState[]>;
  /** Resolves when the alert fires, and throws when its rule cannot be evaluated. */
  untilFiring(alert: string, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

interface RuleState {
  name: string;
  health: string;
  state: string;
}

export function hasPrometheus(): boolean {
  return spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).status === 0;
}

/**
 * A real Prometheus with our rules that scrapes these ports every second, under the job names of our configuration. Alerts
 * fire as soon as their conditions hold: that these must last for a while is what promtool tests.
 */
export async function startPrometheus(ports: Record<string, number[]>): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-prometheus-'));
  const config = join(directory, 'prometheus.yml');
  const jobs = Object.entries(ports).map(([job_name, list]) => ({
    job_name,
    static_configs: [{ targets: list.map((port) => `127.0.0.1:${port}`) }],
  }));
  const rule_files = [join(directory, 'rules.yml')];
  await writeFile(join(directory, 'rules.yml'), await readRulesWithoutDelay());
  const global = { scrape_interval: '1s', evaluation_interval: '1s' };
  await writeFile(config, stringify({ global, rule_files, scrape_configs: jobs }));
  const address = `127.0.0.1:${await freePort()}`;
  const server = spawn(
    'prometheus',
    [`--config.file=${config}`, `--storage.tsdb.path=${join(directory, 'data')}`, `--web.listen-address=${address}`],
    { stdio: 'ignore' },
  );
  const killWithUs = () => server.kill('SIGKILL');
  process.once('exit', killWithUs);
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));

  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://${address}/api/v1/${path}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== 'success') throw new Error(body.error);
    return body.data;
  };
  const readRules = async () =>
    (await ask<{ groups: { rules: RuleState[] }[] }>('rules')).groups.flatMap(({ rules }) => rules);
  await waitUntil('Prometheus answers', () => ask('status/runtimeinfo').catch(() => false));
  return {
    query: async (expr) =>
      (await ask<{ result: PrometheusResult[] }>(`query?query=${encodeURIComponent(expr)}`)).result,
    async untilFiring(alert, timeoutMs) {
      const fires = async () => {
        const rule = (await readRules()).find(({ name }) => name === alert);
        if (rule?.health === 'err') throw new Error(`${alert} cannot be evaluated`);
        return rule?.state === 'firing';
      };
      await waitUntil(`${alert} fires`, fires, timeoutMs);
    },
    rules: readRules,
    async stop() {
      process.off('exit', killWithUs);
      server.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function readRulesWithoutDelay(): Promise<string> {
  const path = fileURLToPath(new URL('../../deploy/prometheus/rules.yml', import.meta.url));
  const { groups } = parse(await readFile(path, 'utf8')) as { groups: { rules: { for?: string }[] }[] };
  for (const rule of groups.flatMap(({ rules }) => rules)) delete rule.for;
  return stringify({ groups });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
