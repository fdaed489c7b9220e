import { Counter, Gauge, Histogram, type Registry } from '@postern/runtime';

export type GatewayMetrics = ReturnType<typeof createGatewayMetrics>;

/** What a gateway counts; device ids are never labels. */
export function createGatewayMetrics(registry: Registry) {
  const registers = [registry];
  const authenticationFailures = new Counter({
    name: 'postern_authentication_failures_total',
    help: 'Wrong credentials: looked at (wrong), or one too many from one address (refused)',
    labelNames: ['result'] as const,
    registers,
  });
  // An alert sees an increase only of what was there before.
  for (const result of ['wrong', 'refused'] as const) authenticationFailures.inc({ result }, 0);
  const admissionsRefused = new Counter({
    name: 'postern_admissions_refused_total',
    help: 'Sends refused because of a problem of Redis, by problem',
    labelNames: ['problem'] as const,
    registers,
  });
  for (const problem of ['high_water', 'evicting'] as const) admissionsRefused.inc({ problem }, 0);
  return {
    requests: new Counter({
      name: 'postern_http_requests_total',
      help: 'Requests answered, by method, route and status (499: the client went away)',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'postern_http_request_seconds',
      help: 'Time from a request to the end of its answer, including the wait for the message',
      labelNames: ['route'] as const,
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 120],
      registers,
    }),
    authenticationFailures,
    accepted: new Counter({ name: 'postern_messages_accepted_total', help: 'Messages put into a lane', registers }),
    admissionsRefused,
    replayed: new Counter({
      name: 'postern_idempotent_replays_total',
      help: 'Sends whose Idempotency-Key led to an earlier message',
      registers,
    }),
    cancelled: new Counter({
      name: 'postern_messages_cancelled_total',
      help: 'Messages cancelled before they were sent',
      registers,
    }),
    stillQueued: new Counter({
      name: 'postern_answers_queued_total',
      help: 'Sends answered 202 because the message had not ended within the wait',
      registers,
    }),
    outcomeFallbacks: new Counter({
      name: 'postern_outcome_fallbacks_total',
      help: 'Outcomes found by reading the record, not by mail',
      registers,
    }),
    uploadBytes: new Counter({
      name: 'postern_upload_bytes_total',
      help: 'Bytes of multipart bodies received',
      registers,
    }),
    sweptBlobs: new Counter({
      name: 'postern_blobs_swept_total',
      help: 'Blobs deleted that no message waits for',
      registers,
    }),
    /** Zero from the start, so that the first one is seen as an increase. */
    unreadable: zeroed(
      new Counter({
        name: 'postern_unreadable_total',
        help: 'Entries in Redis that were left out because they cannot be read, by what they are',
        labelNames: ['what'] as const,
        registers,
      }),
    ),
    /** Gauges that are read when somebody scrapes. */
    observe(gauges: { waiting: () => number; uploads: () => number; eventStreams: () => number }) {
      const gauge = (name: string, help: string, read: () => number) =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      gauge('postern_waiters', 'Messages that somebody waits for', gauges.waiting);
      gauge('postern_uploads_in_flight', 'Uploads being received', gauges.uploads);
      gauge('postern_event_streams', 'Open streams of GET /events', gauges.eventStreams);
    },
  };
}

/** What a gateway reads that may be unreadable. */
export type Unreadable = 'device' | 'message';

function zeroed(counter: Counter<'what'>): Counter<'what'> {
  for (const what of ['device', 'message'] as const satisfies Unreadable[]) counter.inc({ what }, 0);
  return counter;
}
