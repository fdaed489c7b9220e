import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readDashboardQueries } from '../support/dashboard-queries.ts';
import { readMetricsPage } from '../support/metrics-page.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string) => readFileSync(path(name), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface RuleTest {
  alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
}

const { groups } = parse(read('deploy/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const page = readMetricsPage();
const listed = new Map(page.map((metric) => [metric.name, metric]));

/** The metrics that a query reads. */
function metricsOf(query: string): string[] {
  const words = query.replaceAll(/"[^"]*"/g, '').match(/\b(postern|nodejs|process)_\w+/g) ?? [];
  return words.map((word) => {
    const family = word.replace(/_(bucket|sum|count)$/, '');
    return listed.get(family)?.type === 'histogram' ? family : word;
  });
}

test('the page of metrics lists each once', () => {
  assert.equal(listed.size, page.length);
  assert.ok(page.length > 60);
});

test('every metric in a rule or on the dashboard is listed', () => {
  const queries = [...rules.map(({ expr }) => expr), ...readDashboardQueries().map(({ expr }) => expr)];
  assert.ok(queries.length > 30);
  for (const query of queries) for (const name of metricsOf(query)) assert.ok(listed.has(name), `${name} in ${query}`);
});

test('the page names for each metric the alerts that use it', () => {
  for (const { name, alerts } of page) {
    const users = rules.filter(({ expr }) => metricsOf(expr).includes(name)).map(({ alert }) => alert);
    assert.deepEqual(alerts.toSorted(), users.toSorted(), name);
  }
});

test('every alert has a severity, a section of the runbook, and a test in which it fires and one in which it does not', () => {
  const sections = [...read('docs/runbook.md').matchAll(/^## (\w+)\n\n\S/gm)].map(([, name = '']) => name);
  assert.deepEqual(rules.map(({ alert }) => alert).toSorted(), sections.toSorted());
  const cases = (parse(read('deploy/prometheus/rules.test.yml')) as { tests: RuleTest[] }).tests.flatMap(
    (each) => each.alert_rule_test,
  );
  for (const { alert, labels, annotations } of rules) {
    assert.match(labels['severity'] ?? '', /^(warning|critical)$/);
    assert.equal(annotations['runbook'], `docs/runbook.md#${alert.toLowerCase()}`);
    const own = cases.filter(({ alertname }) => alertname === alert);
    assert.ok(
      own.some(({ exp_alerts }) => exp_alerts.length > 0),
      `${alert} fires`,
    );
    assert.ok(
      own.some(({ exp_alerts }) => exp_alerts.length === 0),
      `${alert} stays quiet`,
    );
  }
});

const hasPromtool = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
const skip = hasPromtool ? false : 'promtool is not installed (Debian: in the package prometheus)';

test('promtool accepts the configuration and the rules, and their tests pass', { skip }, () => {
  for (const check of [
    ['check', 'rules', path('deploy/prometheus/rules.yml')],
    ['check', 'config', path('deploy/prometheus/prometheus.yml')],
    ['test', 'rules', path('deploy/prometheus/rules.test.yml')],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', check, { encoding: 'utf8' });
    assert.equal(status, 0, `${check.join(' ')}\n${stdout}${stderr}`);
  }
});
