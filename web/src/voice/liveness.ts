/**
 * Whether this side still reaches the server. Pure: signs of life and time in, what to do out.
 *
 * A changed address shows in nothing that browsers tell: TCP waits for a dead connection for minutes, ICE for five
 * seconds. But voices arrive every 20 ms, and when they do not, a ping is answered within a round trip. Where everybody is
 * silent nothing arrives, and the server says so: then a ping is sent now and then. So: quiet → ping;
 * unanswered → knock, which is to ask the server over a new connection. If that gets through while the old one stays
 * silent, the old one is dead. If it does not, the network is away, and making everything anew would not help yet.
 */

/** What to do: ask for a sign of life on the stream, or over a new connection. */
export type Deed = "ping" | "knock" | "nothing";

/** So long without a sign of life, while sound flows, is suspicious: eight packets. */
export const QUIET_MS = 160;
/** The same while nobody speaks: silence sends nothing. */
export const IDLE_MS = 500;
/** The same in the long run: a silence has lasted so many times as long as the pauses between the pings in it, up to … */
export const IDLE_SHARE = 10;
/** … this. Who hears nobody for minutes misses nothing meanwhile, and a thousand of them would ask the server all the time. */
export const IDLEST_MS = 3_000;
/** Sound that came this long ago or less counts as flowing. */
const FLOWING_MS = 1_000;
/** When to ask a second time: TCP repeats a lost packet within a round trip if another follows, and after 200 ms if none does. */
export const AGAIN_MS = 50;
/** How long a pong may take at least, and in round trips. One lost packet is repeated in less. */
export const ANSWER_MS = 150;
const ANSWER_ROUND_TRIPS = 3;
/** An answer that took longer was not slow: the network was away. */
const SLOWEST_MS = 500;
/** What is left of a slow answer's weight with each quicker one: after a busy moment patience comes back to what is usual. */
const FORGET = 0.9;
/** How long to wait between knocks, while a network is away. */
export const KNOCK_EVERY_MS = 1_000;

/** The signs of life of one stream and its sound. All times in ms of one monotonic clock. */
export class Liveness {
  #signAt: number;
  /** When sound came last, or, before any did, when this began. */
  #soundAt: number;
  #speaks = false;
  #hushedAt = Number.NEGATIVE_INFINITY;
  #soundMark = 0;
  #pingedAt = Number.NEGATIVE_INFINITY;
  #pinged = 0;
  #knockedAt = Number.NEGATIVE_INFINITY;
  #roundTripMs = 0;
  #answerMs = 0;

  constructor(now: number) {
    this.#signAt = now;
    this.#soundAt = now;
    this.#hushedAt = now;
  }

  /** Something came over the stream. */
  sign(now: number): void {
    const took = now - this.#pingedAt;
    if (this.#waiting && took <= SLOWEST_MS) this.#answerMs = Math.max(took, this.#answerMs * FORGET);
    this.#signAt = now;
  }

  /** Where the sound stands; another mark than last time means that sound came. */
  sound(mark: number, now: number): void {
    if (mark === this.#soundMark) return;
    this.#soundMark = mark;
    this.#soundAt = now;
    this.sign(now);
  }

  /** Whether somebody speaks, as the server says: sound that ends with the last voice is not missed. */
  voices(speaks: boolean, now: number): void {
    if (this.#speaks && !speaks) this.#hushedAt = now;
    this.#speaks = speaks;
  }

  /** The round trip of the sound, as the server measured it; 0 = not yet. */
  roundTrip(ms: number): void {
    this.#roundTripMs = ms;
  }

  /** Whether a ping is overdue, with no sign of life since it was sent. */
  overdue(now: number): boolean {
    const usual = Math.max(this.#roundTripMs, this.#answerMs);
    const patience = Math.max(ANSWER_MS, ANSWER_ROUND_TRIPS * usual);
    return this.#waiting && now - this.#pingedAt >= patience;
  }

  /** What to do at `now`. It counts as done. */
  poll(now: number): Deed {
    if (this.#waiting) return this.overdue(now) ? this.#knock(now) : this.#again(now);
    if (now - this.#signAt < this.#patience(now)) return "nothing";
    this.#pingedAt = now;
    this.#pinged = 1;
    return "ping";
  }

  /** So long without a sign of life is suspicious. */
  #patience(now: number): number {
    const quiet = now - this.#soundAt;
    const explained = !this.#speaks && now - this.#hushedAt < FLOWING_MS;
    if (quiet < FLOWING_MS && !explained) return QUIET_MS;
    return Math.min(IDLEST_MS, Math.max(IDLE_MS, quiet / IDLE_SHARE));
  }

  /** A ping is on its way, and nothing has come since. */
  get #waiting(): boolean {
    return this.#pingedAt > this.#signAt;
  }

  #again(now: number): Deed {
    if (this.#pinged > 1 || now - this.#pingedAt < AGAIN_MS) return "nothing";
    this.#pinged += 1;
    return "ping";
  }

  #knock(now: number): Deed {
    if (now - this.#knockedAt < KNOCK_EVERY_MS) return "nothing";
    this.#knockedAt = now;
    return "knock";
  }
}
