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

/** A hue for a person in degrees, the same on every screen. */
export function hue(userId: bigint): number {
  return Math.round((Number(userId % 360_000n) * GOLDEN_ANGLE) % 360);
}
