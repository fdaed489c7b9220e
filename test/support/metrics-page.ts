import { readFileSync } from 'node:fs';

export interface ListedMetric {
  name: string;
  type: string;
  labels: string[];
  alerts: string[];
  /** The processes that export it. */
  of: 'gateway' | 'worker' | 'both';
}

/** The tables of docs/metrics.md. */
export function readMetricsPage(): ListedMetric[] {
  const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  return text.split(/^## /m).flatMap((section) => {
    const of = (['gateway', 'worker', 'both'] as const).find((name) => section.toLowerCase().startsWith(name));
    return of === undefined ? [] : section.split('\n').flatMap((line) => toMetric(line, of));
  });
}

const list = (cell = '') => cell.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()]));

function toMetric(line: string, of: ListedMetric['of']): ListedMetric[] {
  const [, name = '', type = '', labels, meaning = '', alerts] = line.split('|').map((cell) => cell.trim());
  if (!/^`\w+`$/.test(name)) return [];
  if (meaning === '') throw new Error(`docs/metrics.md does not say what ${name} means`);
  return [{ name: name.slice(1, -1), type, labels: list(labels), alerts: list(alerts), of }];
}
