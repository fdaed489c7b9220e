import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { repeat, request } from './client.ts';
import { follow } from './follow.ts';
import type { Gate } from './gate.ts';
import type { ChaosOptions } from './options.ts';
import { createRandom } from './random.ts';
import type { Sending } from './sending.ts';
import type { World } from './world.ts';

/** Clients of each gateway. Every client writes through every device. */
const CLIENTS_PER_GATEWAY = 2;
/** Messages of one conversation that are accepted and not final. */
const IN_FLIGHT = 4;
const FOLLOW_MS = 60_000;
/** How often a client repeats the request of an accepted message instead of asking for its status. */
const REPEATED = 0.1;

/** Has the clients send all messages; resolves when none is left to send and none is followed any more. */
export async function converse(gate: Gate, world: World, options: ChaosOptions): Promise<Sending[]> {
  const sendings: Sending[] = [];
  const clients = CLIENTS_PER_GATEWAY * options.gateways;
  const talks = Array.from({ length: clients }, (_, client) =>
    world.devices.map((device, n) =>
      talk(device, 1 + client * world.devices.length + n, sendings, { gate, world, options }),
    ),
  );
  await Promise.all(talks.flat());
  return sendings;
}

/** One client's messages through one device: each is asked for when the former one was accepted. */
async function talk(
  device: string,
  stream: number,
  sendings: Sending[],
  { gate, world, options }: { gate: Gate; world: World; options: ChaosOptions },
): Promise<void> {
  const random = createRandom(options.seed, stream);
  const { gateways, recipients } = world;
  const asking = { gateways, random };
  const followed = new Set<Promise<unknown>>();
  for (let n = await gate.begin(); n !== undefined; n = await gate.begin()) {
    const image = await createPicture(n);
    const sending: Sending = {
      key: `chaos-${options.seed}-${n}`,
      device,
      phone: random.pick(recipients).number,
      sha256: sha256(image),
      startedAt: Date.now(),
      ids: [],
      refusals: new Map(),
      requests: 0,
    };
    sendings.push(sending);
    await request(sending, image, asking);
    const [id] = sending.ids;
    if (id === undefined) continue;
    const again = random.chance(REPEATED) ? repeat(sending, image, asking) : undefined;
    const following = Promise.all([follow(() => gateways.url(random), id, FOLLOW_MS), again]).finally(() =>
      followed.delete(following),
    );
    followed.add(following);
    if (followed.size >= IN_FLIGHT) await Promise.race(followed);
  }
  await Promise.all(followed);
}
