import { readFileSync } from 'node:fs';

export interface DashboardPanel {
  title: string;
  type: string;
  targets?: { expr: string; datasource?: unknown }[];
  panels?: DashboardPanel[];
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
}

export interface Dashboard {
  title: string;
  uid: string;
  panels: DashboardPanel[];
  templating: { list: { name: string; type: string; query: string }[] };
}

export function readDashboard(): Dashboard {
  const path = new URL('../../deploy/grafana/dashboards/postern.json', import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Dashboard;
}

/** Every query of the Grafana dashboard, with the panel that asks it; Grafana's own variables have a value. */
export function readDashboardQueries(): { panel: string; expr: string }[] {
  return readDashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ panel: title, expr: expr.replaceAll('$__rate_interval', '5m') })),
  );
}
