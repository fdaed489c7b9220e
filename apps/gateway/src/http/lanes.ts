import { Failure, type Mail } from '@postern/contract';
import type { LaneStatus } from '@postern/queue';
import type { Devices, LanePauses } from '@postern/registry';
import { maySee } from '../auth/authenticator.ts';
import type { LanePurges } from '../lanes/lane-purges.ts';
import { toLaneView } from '../lanes/lane-view.ts';
import { readLanes } from '../lanes/read-lanes.ts';
import { readDevice } from './device-name.ts';
import type { Exchange, Handler, Route } from './exchange.ts';
import { respond, succeed } from './respond.ts';

export interface LanesParts {
  devices: Pick<Devices, 'ids' | 'resolve'>;
  readLane: (deviceId: string) => Promise<LaneStatus | undefined>;
  pauses: Pick<LanePauses, 'pause' | 'resume'>;
  purges: Pick<LanePurges, 'purge'>;
  ownerOf: (deviceId: string) => Promise<string | undefined>;
  post: (workerId: string, mail: Mail) => Promise<void>;
}

/** How long a purge is waited for; it goes on afterwards. */
const PURGE_WAIT_MS = 2_000;

/** Lanes: looked at, paused, resumed, purged. */
export function laneRoutes(parts: LanesParts): Route[] {
  const { devices, readLane, pauses, purges, ownerOf, post } = parts;

  /** Tells the owner to look at once; only a hint, because it also looks by itself. */
  const hint = async ({ logger }: Exchange, deviceId: string) => {
    try {
      const owner = await ownerOf(deviceId);
      if (owner !== undefined) await post(owner, { type: 'lane_pause_changed', device_id: deviceId });
    } catch (error) {
      logger.warn({ err: error, device_id: deviceId }, 'owner not told of a paused or resumed lane');
    }
  };
  const answer = async ({ response }: Exchange, deviceId: string, message: string) => {
    const status = await readLane(deviceId);
    if (!status) throw deviceNotFound(deviceId);
    succeed(response, message, toLaneView(status));
  };
  const change = (message: string, act: (deviceId: string) => Promise<void>): Handler => {
    return async (exchange) => {
      const { device_id: deviceId } = await readDevice(exchange, devices);
      await act(deviceId);
      await hint(exchange, deviceId);
      await answer(exchange, deviceId, message);
    };
  };
  const pause = async (deviceId: string) => {
    if ((await pauses.pause(deviceId)) === undefined) throw deviceNotFound(deviceId);
  };

  return [
    {
      method: 'get',
      path: '/lanes',
      access: 'read',
      async handle({ response, principal }) {
        const visible = (await devices.ids()).filter((deviceId) => maySee(principal, deviceId));
        const lanes = await readLanes(visible, readLane);
        const now = Date.now();
        succeed(
          response,
          'List lanes',
          lanes.map((lane) => toLaneView(lane, now)),
        );
      },
    },
    { method: 'post', path: '/lanes/:device_id/pause', access: 'manage', handle: change('Lane paused', pause) },
    {
      method: 'post',
      path: '/lanes/:device_id/resume',
      access: 'manage',
      handle: change('Lane resumed', (deviceId) => pauses.resume(deviceId)),
    },
    {
      method: 'post',
      path: '/lanes/:device_id/purge',
      access: 'manage',
      async handle(exchange) {
        const { device_id: deviceId } = await readDevice(exchange, devices);
        const { cancelled, remaining, isComplete } = await purges.purge(deviceId, PURGE_WAIT_MS);
        if (isComplete) return succeed(exchange.response, 'Lane purged', { device_id: deviceId, cancelled });
        const results = { device_id: deviceId, cancelled, remaining };
        respond(exchange.response, 202, { code: 'ACCEPTED', message: 'The lane is being purged', results });
      },
    },
  ];
}

function deviceNotFound(deviceId: string): Failure {
  return new Failure('DEVICE_NOT_FOUND', 'The device was removed', { details: { device_id: deviceId } });
}
