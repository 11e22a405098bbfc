/**
 * Channels by name.
 *
 * The protocol knows a channel by two uint64: its guild and its id. People know it by a name. This is the mapping, the
 * same in every client that wants to meet in the same place:
 *
 * - `123` is the channel with that id, `7/123` the one in guild 7;
 * - anything else is a name: normalised (NFKC, trimmed, lower case, each run of white space one hyphen), its id is the
 *   first 8 bytes of SHA-256 over its UTF-8 bytes, big-endian, with the top bit cleared (so that it also fits a signed
 *   column), and its guild is 0.
 */
import { sha256 } from "./sha256";

/** What the protocol calls a channel. Both are uint64, hence bigint. */
export interface ChannelRef {
  readonly guildId: bigint;
  readonly channelId: bigint;
}

const MAX_UINT64 = 2n ** 64n - 1n;
const LOW_63_BITS = 2n ** 63n - 1n;
const NUMERIC = /^(?:(\d+)\/)?(\d+)$/;

/** The longest channel name, in code points after normalising. */
export const MAX_CHANNEL_NAME = 100;

/** The one spelling of a channel name; empty if nothing is left of it. */
export function normaliseChannel(text: string): string {
  const name = text.toWellFormed().normalize("NFKC").trim().toLowerCase().replace(/\s+/gu, "-");
  return [...name].slice(0, MAX_CHANNEL_NAME).join("");
}

/** The channel that `text` means; undefined for an empty name or numbers above uint64. */
export function channelFromText(text: string): ChannelRef | undefined {
  const name = normaliseChannel(text);
  if (name === "") return undefined;
  const numeric = NUMERIC.exec(name);
  if (numeric === null) return { guildId: 0n, channelId: channelIdFromName(name) };
  const guildId = BigInt(numeric[1] ?? 0);
  const channelId = BigInt(numeric[2] ?? 0);
  return guildId > MAX_UINT64 || channelId > MAX_UINT64 ? undefined : { guildId, channelId };
}

function channelIdFromName(name: string): bigint {
  const hash = sha256(new TextEncoder().encode(name));
  return new DataView(hash.buffer).getBigUint64(0) & LOW_63_BITS;
}

/** The fragment of a link to the channel: `#/lobby`. The slash of `7/123` stays readable. */
export function channelToFragment(text: string): string {
  return `#/${encodeURIComponent(normaliseChannel(text)).replaceAll("%2F", "/")}`;
}

/** The channel in a fragment such as `#/lobby`; empty if there is none. */
export function channelFromFragment(fragment: string): string {
  if (!fragment.startsWith("#/")) return "";
  try {
    return normaliseChannel(decodeURIComponent(fragment.slice(2)));
  } catch {
    return "";
  }
}
