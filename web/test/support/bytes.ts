/** Bytes written by hand, so that tests meet the wire and not our own encoder. */

/** `"0A 06 …"` as bytes. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
}

/** The bytes as `"0A 06 …"`. */
export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");
}

/** ASCII as hex, for readable frames. */
export function ascii(text: string): string {
  return toHex(new TextEncoder().encode(text));
}
