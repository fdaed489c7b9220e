import type { Vacancy } from '@postern/registry';

/** What one worker knows when it decides which devices to claim or to let go. Times are monotonic milliseconds. */
export interface PlacementView {
  now: number;
  /** How many devices each other live worker owns. */
  others: readonly number[];
  /** Registered devices. */
  devices: number;
  /** Devices nobody owns, with when this worker first saw them so; oldest first. */
  unowned: readonly { deviceId: string; since: number; vacancy: Vacancy }[];
  /** This worker's devices; `busy` while messages are in hand or wait, `pairing` while somebody logs in. */
  owned: readonly { deviceId: string; busy: boolean; pairing: boolean }[];
  /** Until then no lease that ran out is claimed: Redis was away, and its live holder may be on the way to renew it. */
  expiredClaimsPausedUntil: number;
  /** Until then nothing that was let go is claimed: Redis was restarted, and may have forgotten who took it. */
  releasedClaimsPausedUntil: number;
}

export interface PlacementRules {
  /** A device unowned for this long is anybody's, above the fair share too. */
  orphanMs: number;
  /** How many devices to claim in one go, so that connects are spread. */
  maxClaims: number;
  /** A lease that ran out is left alone for so long: its holder may only have been slow to renew it. */
  ranOutMs: number;
}

/** Claims in one round; each opens a socket. */
const MAX_CLAIMS = 25;
const ORPHAN_LEASE_TTLS = 2;
const RAN_OUT_LEASE_TTLS = 0.25;

export function toPlacementRules(leaseTtlMs: number): PlacementRules {
  return {
    orphanMs: ORPHAN_LEASE_TTLS * leaseTtlMs,
    ranOutMs: RAN_OUT_LEASE_TTLS * leaseTtlMs,
    maxClaims: MAX_CLAIMS,
  };
}

/** The devices one worker may hold when all hold alike. */
export function fairShare(devices: number, workers: number): number {
  return Math.ceil(devices / Math.max(1, workers));
}

/** The devices to try to claim now: up to the fair share, and orphans above it. */
export function toClaim(view: PlacementView, rules: PlacementRules): string[] {
  const { now, unowned, owned, expiredClaimsPausedUntil, releasedClaimsPausedUntil } = view;
  const isFree = ({ since, vacancy }: (typeof unowned)[number]) => {
    if (vacancy === 'ran_out') return now >= expiredClaimsPausedUntil && now - since >= rules.ranOutMs;
    return vacancy === 'new' || now >= releasedClaimsPausedUntil;
  };
  const room = Math.max(0, fairShare(view.devices, view.others.length + 1) - owned.length);
  const claims = unowned.filter(isFree).filter(({ since }, index) => index < room || now - since >= rules.orphanMs);
  return claims.slice(0, rules.maxClaims).map(({ deviceId }) => deviceId);
}

/**
 * The device to let go for a worker that has fewer, if any: only from a worker that has the most, only if the difference
 * is more than one, idle ones first, and never one that somebody is linking at the moment. Nothing moves while anything is
 * unowned, because that fills a newcomer without moving a live device.
 */
export function toRelease(view: PlacementView): string | undefined {
  const { owned, unowned, others, now, expiredClaimsPausedUntil, releasedClaimsPausedUntil } = view;
  if (now < Math.max(expiredClaimsPausedUntil, releasedClaimsPausedUntil) || unowned.length > 0 || others.length === 0)
    return undefined;
  const most = Math.max(...others);
  const least = Math.min(...others);
  if (owned.length < most || owned.length - least < 2) return undefined;
  const movable = owned.filter(({ pairing }) => !pairing);
  return (movable.find(({ busy }) => !busy) ?? movable[0])?.deviceId;
}
