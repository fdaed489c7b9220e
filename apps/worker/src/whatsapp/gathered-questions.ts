export interface GatheredQuestionsOptions<A> {
  /** One question about several members. Answers only what it was told of them for certain; may fail as a whole. */
  together: (members: string[]) => Promise<ReadonlyMap<string, A>>;
  /** The question about one member; undefined is an answer too. */
  alone: (member: string) => Promise<A | undefined>;
  /** How long a question waits for company while others are under way, in milliseconds. */
  gatherMs?: number;
  /** Members of one question, at most. */
  maxMembers?: number;
}

interface Round<A> {
  members: string[];
  told: Promise<ReadonlyMap<string, A>>;
  start: () => void;
}

const GATHER_MS = 10;
const MAX_MEMBERS = 20;

/**
 * Questions about single members that are asked together where several come at once. The first is asked at once; while
 * any is under way the next ones wait a moment for each other. Whoever a joint question failed for, or said nothing of,
 * is asked for alone: nobody fails because of the company.
 */
export class GatheredQuestions<A> {
  readonly #options: Required<GatheredQuestionsOptions<A>>;
  readonly #rounds = new Map<string, Round<A>>();
  readonly #alone = new Map<string, Promise<A | undefined>>();
  #gathering: Round<A> | undefined;

  constructor(options: GatheredQuestionsOptions<A>) {
    this.#options = { gatherMs: GATHER_MS, maxMembers: MAX_MEMBERS, ...options };
  }

  /** The answer about this member. Throws what asking for it alone throws. */
  async ask(member: string): Promise<A | undefined> {
    const isBusy = this.#rounds.size > 0 || this.#alone.size > 0;
    if (isBusy && !this.#alone.has(member)) {
      const told = (await this.#join(member).told).get(member);
      if (told !== undefined) return told;
    }
    return await this.#askAlone(member);
  }

  /** Asks for all of these that nobody asks for already; answers what was told of them, be it nothing. */
  async learn(members: readonly string[]): Promise<ReadonlyMap<string, A>> {
    const rounds = new Set(members.filter((member) => !this.#alone.has(member)).map((member) => this.#join(member)));
    for (const round of rounds) round.start();
    const told = await Promise.all([...rounds].map((round) => round.told));
    return new Map(told.flatMap((answers) => [...answers]));
  }

  #askAlone(member: string): Promise<A | undefined> {
    const running = this.#alone.get(member);
    if (running) return running;
    const asking = this.#options.alone(member).finally(() => this.#alone.delete(member));
    this.#alone.set(member, asking);
    return asking;
  }

  /** The round that asks for this member: one under way, or the one being gathered. */
  #join(member: string): Round<A> {
    const running = this.#rounds.get(member);
    if (running) return running;
    const round = (this.#gathering ??= this.#gather());
    round.members.push(member);
    this.#rounds.set(member, round);
    if (round.members.length >= this.#options.maxMembers) round.start();
    return round;
  }

  #gather(): Round<A> {
    const members: string[] = [];
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const timer = setTimeout(start, this.#options.gatherMs);
    const round: Round<A> = {
      members,
      start: () => {
        clearTimeout(timer);
        if (this.#gathering === round) this.#gathering = undefined;
        start();
      },
      told: started.then(() => this.#askTogether(round)),
    };
    return round;
  }

  async #askTogether(round: Round<A>): Promise<ReadonlyMap<string, A>> {
    if (this.#gathering === round) this.#gathering = undefined;
    try {
      return await this.#options.together(round.members);
    } catch {
      return new Map();
    } finally {
      for (const member of round.members) this.#rounds.delete(member);
    }
  }
}
