/** Who spoke when, for as long as the page draws it. Pure: the caller keeps the clock. */

/** How far back the drawing goes, in ms. */
export const HISTORY_MS = 24_000;

/** One stretch of speech in ms of the caller's clock; `end` undefined = it goes on. */
export interface Stretch {
  readonly start: number;
  readonly end: number | undefined;
}

export class SpeakingHistory {
  readonly #stretches = new Map<bigint, Stretch[]>();

  /** Someone began or stopped to speak at `now`. Saying the same twice changes nothing. */
  record(userId: bigint, speaking: boolean, now: number): void {
    const known = this.#stretches.get(userId) ?? [];
    const last = known.at(-1);
    const open = last !== undefined && last.end === undefined;
    if (open === speaking) return;
    const recent = known.filter((stretch) => (stretch.end ?? now) > now - HISTORY_MS);
    if (speaking) recent.push({ start: now, end: undefined });
    else if (last !== undefined) recent[recent.length - 1] = { start: last.start, end: now };
    this.#stretches.set(userId, recent);
  }

  /** A person's stretches that reach into the time drawn at `now`. */
  stretches(userId: bigint, now: number): readonly Stretch[] {
    return (this.#stretches.get(userId) ?? []).filter((stretch) => (stretch.end ?? now) > now - HISTORY_MS);
  }

  /** How many stretches are kept, of everyone together. */
  get size(): number {
    return [...this.#stretches.values()].reduce((sum, stretches) => sum + stretches.length, 0);
  }

  /** Everyone is forgotten. */
  clear(): void {
    this.#stretches.clear();
  }
}
