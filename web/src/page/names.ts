/** Names and colours of people. Pure. */

/** What to call a person whose name the server does not say: the id's last digits tell guests apart. */
export function shownName(name: string, userId: bigint): string {
  return name === "" ? `Guest ${(userId % 10_000n).toString().padStart(4, "0")}` : name;
}

/** One or two letters for a person: of the first and the last word. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => word !== "");
  const ends = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return ends
    .map((word) => [...new Intl.Segmenter().segment(word ?? "")][0]?.segment ?? "")
    .join("")
    .toUpperCase();
}

/** Turn of the hue between one id and the next: the golden angle keeps neighbours apart. */
const GOLDEN_ANGLE = 137.508;

/** Hues closer than this look alike beside each other. */
const NEAR = 19;
/** With more people than this, some colours must look alike. */
const DISTINCT = 12;

/** Gives each person a hue in degrees: the id's own, or the next one that nobody near has. It stays as long as the page. */
export class Palette {
  readonly #given = new Map<bigint, number>();

  hue(userId: bigint): number {
    const known = this.#given.get(userId);
    if (known !== undefined) return known;
    const own = Number(userId % 360_000n) * GOLDEN_ANGLE;
    const taken = [...this.#given.values()].slice(-DISTINCT);
    const turns = Array.from({ length: DISTINCT }, (_, turn) => Math.round(own + turn * GOLDEN_ANGLE) % 360);
    const free = turns.find((hue) => taken.every((other) => distance(hue, other) >= NEAR)) ?? turns[0] ?? 0;
    this.#given.set(userId, free);
    return free;
  }
}

/** Between two hues, 0 to 180 degrees. */
function distance(one: number, other: number): number {
  const turn = Math.abs(one - other) % 360;
  return Math.min(turn, 360 - turn);
}
