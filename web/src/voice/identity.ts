/** Who this tab is under `open` auth: a random user id and a display name, `id:display name` as the token. */

/** What is needed of the browser's storage. */
export interface KeyValueStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const USER_ID_KEY = "hocket.user-id";
const LOWEST_ID = 2n ** 53n;
const LOW_63_BITS = 2n ** 63n - 1n;

/** The longest display name, in code points. */
export const MAX_NAME = 64;

/** A random id of 54 to 63 bits: never mistaken for a small id, and it fits a signed column. */
export function randomUserId(random: (words: BigUint64Array<ArrayBuffer>) => unknown = fillRandom): bigint {
  const words = new BigUint64Array(1);
  do random(words);
  while ((words[0] ?? 0n) % (LOW_63_BITS + 1n) < LOWEST_ID);
  return (words[0] ?? 0n) & LOW_63_BITS;
}

function fillRandom(words: BigUint64Array<ArrayBuffer>): void {
  crypto.getRandomValues(words);
}

/** The user id of this tab: made once and kept, so that a reload replaces the former stream and not a stranger's. */
export function tabUserId(store: KeyValueStore): bigint {
  const kept = store.getItem(USER_ID_KEY);
  if (kept !== null && /^\d{16,19}$/.test(kept)) return BigInt(kept);
  const made = randomUserId();
  store.setItem(USER_ID_KEY, made.toString());
  return made;
}

/** The token of `open` auth. Control characters in the name become spaces. */
export function openToken(userId: bigint, name: string): string {
  const shown = cleanName(name);
  return shown === "" ? userId.toString() : `${userId}:${shown}`;
}

/** A display name as it is sent: no control characters, no white space around it, at most 64 code points. */
export function cleanName(name: string): string {
  const shown = name
    .toWellFormed()
    .replace(/\p{Cc}+/gu, " ")
    .trim();
  return [...shown].slice(0, MAX_NAME).join("").trim();
}
