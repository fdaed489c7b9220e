import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { readMetricsPage } from '../support/metrics-page.ts';

const folder = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const read = (name: string) => readFileSync(folder + name, 'utf8');

interface Probe {
  httpGet?: { path: string; port: string };
}
interface Container {
  name: string;
  command?: string[];
  env?: { name: string; value?: string }[];
  ports: { name: string; containerPort: number }[];
  lifecycle?: { preStop: { exec: { command: string[] } } };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  resources: { requests: { cpu: string; memory: string }; limits: { memory: string } };
  securityContext: { readOnlyRootFilesystem: boolean; allowPrivilegeEscalation: boolean };
  volumeMounts: { name: string; mountPath: string }[];
}
interface Pod {
  terminationGracePeriodSeconds: number;
  securityContext: { runAsNonRoot: boolean };
  containers: Container[];
  volumes?: { name: string; persistentVolumeClaim?: { claimName: string } }[];
}
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: {
    replicas?: number;
    maxUnavailable?: number;
    selector?: Record<string, unknown> & { matchLabels?: Record<string, string> };
    ports?: { targetPort: string }[];
    template?: { metadata: { labels: Record<string, string> }; spec: Pod };
    volumeClaimTemplates?: { metadata: { name: string } }[];
    scaleTargetRef?: { name: string };
    triggers?: { metadata: { query: string } }[];
  };
}

const { resources } = parse(read('kustomization.yaml')) as { resources: string[] };
const manifestsIn = (name: string) => parseAllDocuments(read(name)).map((document) => document.toJS() as Manifest);
const manifests = resources.flatMap(manifestsIn);
const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const workloads = [...ofKind('Deployment'), ...ofKind('StatefulSet')].flatMap(({ metadata, spec }) => {
  const [container] = spec.template?.spec.containers ?? [];
  return spec.template && container ? [{ name: metadata.name, spec, template: spec.template, container }] : [];
});
const services = workloads.filter(({ name }) => name !== 'redis');

test('kustomization.yaml lists every manifest of its folder', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  assert.deepEqual(resources.toSorted(), files.toSorted());
  assert.deepEqual(workloads.map(({ name }) => name).toSorted(), ['gateway', 'redis', 'worker']);
});

const hasKubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

test('kubectl renders every manifest', { skip: hasKubectl ? false : 'kubectl is not installed' }, () => {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(parseAllDocuments(stdout).length, manifests.length);
});

test('workloads, services and disruption budgets select the pods they mean', () => {
  for (const { name, spec, template } of workloads) {
    assert.deepEqual(spec.selector?.matchLabels, { 'app.kubernetes.io/name': `postern-${name}` });
    assert.equal(template.metadata.labels['app.kubernetes.io/name'], `postern-${name}`);
  }
  for (const { metadata, spec } of ofKind('Service')) {
    assert.deepEqual(spec.selector, { 'app.kubernetes.io/name': `postern-${metadata.name}` });
    const ports = workloads.find(({ name }) => name === metadata.name)?.container.ports.map(({ name }) => name);
    for (const { targetPort } of spec.ports ?? []) assert.ok(ports?.includes(targetPort), targetPort);
  }
  for (const { name, spec } of services) {
    const budget = ofKind('PodDisruptionBudget').find(({ metadata }) => metadata.name === name);
    assert.ok(budget, name);
    assert.deepEqual(budget.spec.selector?.matchLabels, spec.selector?.matchLabels);
    // One may always be drained, and one is always left.
    assert.equal(budget.spec.maxUnavailable, 1);
    assert.ok((spec.replicas ?? 0) >= 2);
  }
});

test('gateways and workers are probed where they answer, and are not restarted because Redis is away', () => {
  for (const { name, container } of services) {
    const port = container.ports.find((each) => each.name === 'metrics')?.containerPort;
    assert.equal(container.env?.find((each) => each.name === 'METRICS_PORT')?.value, String(port));
    assert.deepEqual(container.command, ['node', `apps/${name}/dist/main.js`]);
    assert.deepEqual(container.startupProbe?.httpGet, { path: '/healthz', port: 'metrics' });
    assert.deepEqual(container.readinessProbe?.httpGet, { path: '/readyz', port: 'metrics' });
    assert.deepEqual(container.livenessProbe?.httpGet, { path: '/healthz', port: 'metrics' });
  }
});

test('every container has requests and limits, no rights, and longer to end than it needs', () => {
  for (const { template, container } of workloads) {
    assert.ok(
      container.resources.requests.cpu && container.resources.requests.memory && container.resources.limits.memory,
    );
    assert.equal(template.spec.securityContext.runAsNonRoot, true);
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
    assert.equal(container.securityContext.allowPrivilegeEscalation, false);
    const preStopSeconds = Number(container.lifecycle?.preStop.exec.command[1] ?? 0);
    assert.ok(template.spec.terminationGracePeriodSeconds >= preStopSeconds + 20);
  }
});

test('every setting exists, and every volume that is mounted', () => {
  const known = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const names = [
    ...ofKind('ConfigMap').flatMap(({ data = {} }) => Object.keys(data)),
    ...services.flatMap(({ container }) => (container.env ?? []).map(({ name }) => name)),
  ];
  assert.ok(names.length >= 8);
  for (const name of names) assert.match(known, new RegExp(`^#${name}=`, 'm'));
  const claims = ofKind('PersistentVolumeClaim').map(({ metadata }) => metadata.name);
  for (const { spec, template, container } of workloads) {
    const volumes = template.spec.volumes ?? [];
    const own = [...volumes, ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)].map(
      ({ name }) => name,
    );
    for (const { name } of container.volumeMounts) assert.ok(own.includes(name), name);
    for (const { persistentVolumeClaim: claim } of volumes) if (claim) assert.ok(claims.includes(claim.claimName));
  }
});

test('workers are scaled by a metric that exists', () => {
  const [scaled] = manifestsIn('keda/worker-scaling.yaml');
  assert.ok(services.some(({ name }) => name === scaled?.spec.scaleTargetRef?.name));
  const query = scaled?.spec.triggers?.[0]?.metadata.query ?? '';
  const listed = readMetricsPage().map(({ name }) => name);
  assert.ok(
    (query.match(/postern_\w+/g) ?? ['']).every((name) => listed.includes(name)),
    query,
  );
});

test('the PrometheusRule of the Operator is made of the rules that compose uses, as its comment says', () => {
  const operator = read('prometheus-operator/monitoring.yaml');
  const [, command = ''] = /^#\s+(\{ cat .*) \| kubectl apply -f -$/m.exec(operator) ?? [];
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: `${folder}/../..`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { kind, spec } = parse(stdout) as { kind: string; spec: unknown };
  assert.equal(kind, 'PrometheusRule');
  assert.deepEqual(spec, parse(read('../prometheus/rules.yml')));
});
