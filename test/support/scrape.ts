import type { ServiceProcess } from './service-process.ts';

export interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** What a gateway's or worker's `/metrics` says, by metric. */
export async function scrape(service: ServiceProcess): Promise<Map<string, Family>> {
  return parseExposition(await scrapeText(service));
}

/** The same as it is sent. */
export async function scrapeText({ ready }: ServiceProcess): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${String(ready['metrics_port'])}/metrics`);
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return response.text();
}

/** Prometheus' text format. */
function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: Family = { type: '', help: '', samples: [] };
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      current = { type: '', help: rest, samples: [] };
      families.set(name, current);
    } else if (kind === 'TYPE') current.type = rest;
    else current.samples.push(parseSample(line));
  }
  return families;
}

function parseSample(line: string): Family['samples'][number] {
  const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((match) => [match[1], match[2]]);
  return {
    name,
    labels: Object.fromEntries(pairs) as Record<string, string>,
    value: Number(value.replace('Inf', 'Infinity')),
  };
}

/** The sum of a metric's samples that have these labels; of a histogram its count. Undefined without a sample. */
export function total(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name);
  const wanted = family?.type === 'histogram' ? `${name}_count` : name;
  const found = family?.samples.filter(
    (sample) =>
      sample.name === wanted && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found?.length ? found.reduce((sum, { value }) => sum + value, 0) : undefined;
}
