import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  channelFromFragment,
  channelFromText,
  channelToFragment,
  MAX_CHANNEL_NAME,
  normaliseChannel,
} from "../../src/voice/channel";
import { sha256 } from "../../src/voice/sha256";

describe("SHA-256", () => {
  test.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000])(
    "of %i bytes agrees with another implementation",
    (length) => {
      const message = Uint8Array.from({ length }, (_, index) => (index * 7 + length) % 256);
      expect(Buffer.from(sha256(message)).toString("hex")).toBe(createHash("sha256").update(message).digest("hex"));
    },
  );
});

describe("a channel", () => {
  test("that is a number is the channel with that id", () => {
    expect(channelFromText("123")).toEqual({ guildId: 0n, channelId: 123n });
    expect(channelFromText("18446744073709551615")).toEqual({ guildId: 0n, channelId: 2n ** 64n - 1n });
  });

  test("that is two numbers lies in that guild", () => {
    expect(channelFromText("7/123")).toEqual({ guildId: 7n, channelId: 123n });
  });

  test("above uint64 does not exist", () => {
    expect(channelFromText("18446744073709551616")).toBeUndefined();
    expect(channelFromText("99999999999999999999999/1")).toBeUndefined();
  });

  test("with a name is the first 8 bytes of its hash, without the top bit, in guild 0", () => {
    const hash = createHash("sha256").update("lobby").digest().readBigUInt64BE(0);
    expect(channelFromText("lobby")).toEqual({ guildId: 0n, channelId: hash & (2n ** 63n - 1n) });
  });

  test("keeps its id for all time", () => {
    // python3 -c "import hashlib; print(int.from_bytes(hashlib.sha256(b'lobby').digest()[:8], 'big') % 2**63)"
    expect(channelFromText("lobby")?.channelId).toBe(5430708342605070626n);
    // This one's hash has the top bit set.
    expect(channelFromText("music")?.channelId).toBe(67986756629997314n);
  });

  test("without a name does not exist", () => {
    expect(channelFromText("  \t ")).toBeUndefined();
  });

  test.each([
    ["  Friday  Rehearsal ", "friday-rehearsal"],
    ["ＬＯＢＢＹ", "lobby"],
    ["Cafe\u0301", "café"],
    ["a\ud800", "a\ufffd"],
  ])("%j is spelled %j", (text, name) => {
    expect(normaliseChannel(text)).toBe(name);
  });

  test("has a name of at most 100 code points, never cut inside of one", () => {
    const name = normaliseChannel("🎵".repeat(MAX_CHANNEL_NAME + 5));
    expect([...name]).toHaveLength(MAX_CHANNEL_NAME);
    expect(name.isWellFormed()).toBe(true);
  });
});

describe("a link", () => {
  test.each(["lobby", "7/123", "café", "friday rehearsal", "50%", "a#b?c", "李明"])("to %j leads there", (channel) => {
    expect(channelFromFragment(channelToFragment(channel))).toBe(normaliseChannel(channel));
  });

  test("keeps the slash readable", () => {
    expect(channelToFragment("7/123")).toBe("#/7/123");
  });

  test.each(["", "#", "#lobby", "#/%E0%A4%A"])("with the fragment %j names no channel", (fragment) => {
    expect(channelFromFragment(fragment)).toBe("");
  });
});
