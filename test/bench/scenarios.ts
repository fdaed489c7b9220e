/** One way of sending; everything not named is as in `DEFAULTS`. */
export interface Scenario {
  name: string;
  /** What it shows, in a line. */
  title: string;
  picture: 'small' | 'large' | 'huge';
  /** Every message carries a picture of its own. */
  unique: boolean;
  source: 'upload' | 'url';
  fields: Record<string, string>;
  inFlight: number;
  perSecond?: number;
  recipients: number;
  /** Every message goes to somebody never written to before: at most so many a round. */
  newContacts?: number;
  devices: number;
  workers: number;
  rttMs: number;
  /** Messages a round, where time is not what ends it. */
  messages?: number;
  /** Compared with bare Baileys; otherwise measured alone. */
  baseline: boolean;
  seconds?: number;
  /** At most so many. */
  rounds?: number;
}

const DEFAULTS = {
  picture: 'small',
  unique: true,
  source: 'upload',
  fields: {},
  inFlight: 16,
  recipients: 20,
  devices: 1,
  workers: 1,
  rttMs: 0,
  baseline: true,
} satisfies Partial<Scenario>;

/** Pictures by name: width, height and at most how many bytes. */
export const PICTURES = {
  small: { width: 1024, height: 768, maxBytes: 100_000 },
  large: { width: 4000, height: 3000, maxBytes: 5_000_000 },
  huge: { width: 6000, height: 4000, maxBytes: 16_700_000 },
} as const satisfies Record<Scenario['picture'], { width: number; height: number; maxBytes: number }>;

const scenario = (name: string, title: string, differs: Partial<Scenario>): Scenario => ({
  ...DEFAULTS,
  ...differs,
  name,
  title,
});

const toMany = { unique: false, recipients: 100 } as const;

export const SCENARIOS: readonly Scenario[] = [
  scenario('unique-100kb', 'unique 100 KB, 16 in flight', {}),
  scenario('unique-5mb', 'unique 5 MB, 16 in flight', { picture: 'large' }),
  scenario('one-to-many', 'one 100 KB picture to 100 recipients, single requests, 16 in flight', toMany),
  scenario('latency-5-per-second', 'unique 100 KB at 5 a second', { perSecond: 5, seconds: 10 }),
  scenario('compress-5mb', 'unique 5 MB with compress', { picture: 'large', fields: { compress: 'true' } }),
  scenario('url-100kb', 'unique 100 KB by image_url', { source: 'url' }),
  scenario('in-flight-1', 'unique 100 KB, 1 in flight', { inFlight: 1 }),
  scenario('in-flight-4', 'unique 100 KB, 4 in flight', { inFlight: 4 }),
  scenario('in-flight-64', 'unique 100 KB, 64 in flight', { inFlight: 64 }),
  scenario('new-contacts', 'first contact with 200 people, 80 ms round trip, 64 in flight', {
    rttMs: 80,
    newContacts: 200,
    unique: false,
    inFlight: 64,
    seconds: 12,
  }),
  scenario('steady-25', 'unique 100 KB at 25 a second, for two minutes', {
    perSecond: 25,
    seconds: 120,
    rounds: 1,
    baseline: false,
  }),
  scenario('devices-1', '1 device, 20 a second', { perSecond: 20, baseline: false }),
  scenario('devices-10', '10 devices, 20 a second together', { perSecond: 20, devices: 10, baseline: false }),
  scenario('devices-50', '50 devices, 20 a second together', { perSecond: 20, devices: 50, baseline: false }),
  scenario('workers-1', '10 devices, 1 worker, one picture', { ...toMany, devices: 10, baseline: false }),
  scenario('workers-2', '10 devices, 2 workers, one picture', { ...toMany, devices: 10, workers: 2, baseline: false }),
  scenario('uploads-30x16mb', '30 concurrent uploads of 16 MB', {
    picture: 'huge',
    inFlight: 30,
    messages: 30,
    seconds: 120,
    rounds: 1,
    baseline: false,
  }),
];
