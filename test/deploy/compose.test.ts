import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readDashboard } from '../support/dashboard-queries.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string) => readFileSync(path(name), 'utf8');

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, string | number> | string[];
  deploy?: { replicas: number };
  ports?: string[];
  volumes?: string[];
  depends_on?: string[] | Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
}
// YAML's merge key is not part of its core schema.
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const serviceOf = (name: string): Service => {
  const found = services[name];
  assert.ok(found, name);
  return found;
};

test('the compose file runs two gateways behind a proxy, two workers, a durable Redis, Prometheus and Grafana', () => {
  assert.deepEqual(Object.keys(services).toSorted(), ['gateway', 'grafana', 'prometheus', 'proxy', 'redis', 'worker']);
  assert.equal(serviceOf('gateway').deploy?.replicas, 2);
  assert.equal(serviceOf('worker').deploy?.replicas, 2);
  const redis = serviceOf('redis').command?.join(' ');
  assert.match(redis ?? '', /--appendonly yes --appendfsync everysec --maxmemory-policy noeviction/);
  for (const name of ['gateway', 'worker']) {
    assert.ok(serviceOf(name).healthcheck);
    assert.equal(serviceOf(name).stop_grace_period, '30s');
  }
});

test('what is published is published on loopback only, and once: services of which there are two publish nothing', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  assert.ok(ports.length >= 3);
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
  for (const { deploy, ports: own } of Object.values(services)) if (deploy) assert.equal(own, undefined);
});

test('every file and volume that is mounted, and every service that is waited for, exists', () => {
  for (const { volumes = [], depends_on = [] } of Object.values(services)) {
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      assert.ok(source.startsWith('.') ? existsSync(path(source)) : source in compose.volumes, volume);
    }
    for (const name of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on))
      assert.ok(services[name], name);
  }
});

test('the proxy and Prometheus ask the services by their names and ports', () => {
  const nginx = read('deploy/proxy/nginx.conf');
  assert.match(nginx, /server gateway:3000 resolve/);
  const listen = /listen (\d+);/.exec(nginx)?.[1];
  assert.ok(serviceOf('proxy').ports?.[0]?.endsWith(`:${listen}`));
  const { scrape_configs } = parse(read('deploy/prometheus/prometheus.yml')) as {
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  for (const { job_name, dns_sd_configs } of scrape_configs) {
    const [config] = dns_sd_configs;
    const [name = ''] = config?.names ?? [];
    const { environment = {} } = serviceOf(name);
    assert.equal(job_name, `postern-${name}`);
    assert.equal(Array.isArray(environment) ? undefined : environment['METRICS_PORT'], config?.port);
  }
});

test('Grafana is given the dashboard, whose panels ask the source that is chosen and do not overlap', () => {
  const { datasources } = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  assert.deepEqual(
    datasources.map(({ url }) => url),
    ['http://prometheus:9090'],
  );
  const { panels, templating } = readDashboard();
  assert.deepEqual(
    templating.list.map(({ name, type, query }) => [name, type, query]),
    [['datasource', 'datasource', 'prometheus']],
  );
  const taken = new Map<string, string>();
  for (const { title, datasource, gridPos, targets = [] } of panels) {
    assert.equal(datasource?.uid, '${datasource}', title);
    for (const target of targets) assert.deepEqual(target.datasource, datasource, title);
    assert.ok(targets.length > 0, title);
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let cell = 0; cell < gridPos.w * gridPos.h; cell += 1) {
      const place = `${gridPos.x + (cell % gridPos.w)} ${gridPos.y + Math.floor(cell / gridPos.w)}`;
      assert.equal(taken.get(place), undefined, `${title} lies on ${taken.get(place)}`);
      taken.set(place, title);
    }
  }
});
