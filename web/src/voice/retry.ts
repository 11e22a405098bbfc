/**
 * When to try again after a lost stream. Pure: the caller brings chance and keeps the clock.
 *
 * The first try follows at once, since most losses are a server's restart or a changed network. Then each wait is drawn
 * between half and all of a limit that doubles from 1 s to 30 s, so that a thousand clients do not come back in step.
 */

const FIRST_LIMIT_MS = 1_000;
const HIGHEST_LIMIT_MS = 30_000;

/** A stream that was joined this long counts as good: the next loss starts from the beginning. */
export const STABLE_AFTER_MS = 10_000;

/** Of what the server asked to wait, how much is added by chance at most. */
const RETRY_AFTER_SPREAD = 0.25;

/** The longest wait that a server can ask for, so that a mistake of one does not silence a page for days. */
const HIGHEST_RETRY_AFTER_S = 600;

/** Counts the tries since the last good stream. */
export class RetryPolicy {
  #attempt = 0;

  /** @param random uniform in [0, 1), as `Math.random`. */
  constructor(readonly random: () => number = Math.random) {}

  /** How many tries there have been since the last good stream. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Milliseconds to wait before the next try.
   *
   * @param retryAfter seconds that the server asked for (`hrpc.v1.RetryInfo`); it is a floor, never shortened.
   */
  next(retryAfter = 0): number {
    const limit = Math.min(HIGHEST_LIMIT_MS, FIRST_LIMIT_MS * 2 ** (this.#attempt - 1));
    const own = this.#attempt === 0 ? 0 : limit * (0.5 + 0.5 * this.random());
    this.#attempt += 1;
    const asked = Math.min(retryAfter, HIGHEST_RETRY_AFTER_S) * 1_000;
    return Math.round(Math.max(own, asked * (1 + RETRY_AFTER_SPREAD * this.random())));
  }

  /** After a good stream, or when a person asked for a new try. */
  reset(): void {
    this.#attempt = 0;
  }
}
