import type { LaneStatus } from '@postern/queue';

/** A lane as the API shows it; times are ISO 8601 in UTC. */
export function toLaneView(status: LaneStatus, now = Date.now()) {
  const { device, owner, pausedSince, waiting, active, oldestAt, settledPerMinute, lastFailure } = status;
  return {
    device_id: device.device_id,
    depth: { waiting, active },
    ...(oldestAt === undefined
      ? {}
      : {
          oldest_at: new Date(oldestAt).toISOString(),
          oldest_age_seconds: Math.max(0, Math.round((now - oldestAt) / 1000)),
        }),
    rate_per_minute: settledPerMinute,
    paused: pausedSince !== undefined,
    ...(pausedSince === undefined ? {} : { paused_since: new Date(pausedSince).toISOString() }),
    ...(owner === undefined ? {} : { owner }),
    ...(lastFailure === undefined ? {} : { last_error: toLastError(lastFailure) }),
  };
}

function toLastError({ code, message, messageId, at }: NonNullable<LaneStatus['lastFailure']>) {
  return { code, message, at: new Date(at).toISOString(), message_id: messageId };
}
