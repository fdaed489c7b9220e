import type { LaneBoard } from '@postern/queue';
import type { Devices } from '@postern/registry';
import { maySee } from '../auth/authenticator.ts';
import { answering } from '../redis-silence.ts';
import type { Exchange, Handler, Route } from './exchange.ts';
import { CONTENT_SECURITY_POLICY } from './pages.ts';

export interface QueueBoardParts {
  board: Pick<LaneBoard, 'open'>;
  devices: Pick<Devices, 'ids'>;
}

const BASE = '/queues/';

/** The page sets a base for its links, because it has addresses of several depths. */
const BOARD_POLICY = CONTENT_SECURITY_POLICY.replace("base-uri 'none'", "base-uri 'self'");

/** `/queues`: Bull Board over the lanes of the devices that the key may see. It only reads. */
export function queueBoardRoutes({ board, devices }: QueueBoardParts): Route[] {
  const page = async ({ response }: Exchange) => {
    const html = (await board.open()).page(BASE);
    response.set({ 'Content-Security-Policy': BOARD_POLICY, 'Referrer-Policy': 'no-referrer' });
    response.set('Cache-Control', 'no-store').type('html').send(html);
  };
  const file = async ({ request, response }: Exchange) => {
    const { files: root } = await board.open();
    const path = toParts(request.params['file']).join('/');
    await new Promise<void>((resolve, reject) => {
      response.sendFile(path, { root, maxAge: '1h' }, (error: unknown) => (error ? reject(error) : resolve()));
    });
  };
  const answer = async ({ request, response, principal }: Exchange) => {
    // Opening is none of the time that Redis may take.
    const opened = await board.open();
    const deviceIds = (await answering(devices.ids())).filter((id) => maySee(principal, id));
    const query = Object.fromEntries(
      Object.entries(request.query).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    );
    const path = `/api/${toParts(request.params['path']).map(encodeURIComponent).join('/')}`;
    const { status, body } = await answering(opened.answer({ path, query, deviceIds }));
    response.status(status).set('Cache-Control', 'no-store').json(body);
  };
  const read = (path: string, handle: Handler): Route => ({ method: 'get', path, access: 'read', handle });
  return [
    read('/queues', page),
    read('/queues/static/*file', file),
    read('/queues/api/*path', answer),
    read('/queues/*view', page),
  ];
}

/** What a wildcard of Express matched, decoded. */
function toParts(parts: unknown): string[] {
  return Array.isArray(parts) ? parts.map(String) : [];
}
