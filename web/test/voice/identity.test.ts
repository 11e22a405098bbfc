import { describe, expect, test } from "vitest";
import { cleanName, MAX_NAME, openToken, randomUserId, tabUserId } from "../../src/voice/identity";

function memory(entries: Record<string, string> = {}) {
  const map = new Map(Object.entries(entries));
  return {
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
  };
}

describe("a user id", () => {
  test("has 54 to 63 bits", () => {
    for (let round = 0; round < 200; round++) {
      const id = randomUserId();
      expect(id >= 2n ** 53n && id < 2n ** 63n).toBe(true);
    }
  });

  test("is drawn again if it came out too small", () => {
    const draws = [5n, 2n ** 63n + 5n, 2n ** 60n];
    expect(randomUserId((words) => words.set([draws.shift() ?? 0n]))).toBe(2n ** 60n);
  });

  test("stays the same in a tab", () => {
    const store = memory();
    expect(tabUserId(store)).toBe(tabUserId(store));
  });

  test("is made anew if what was kept is no id", () => {
    expect(tabUserId(memory({ "hocket.user-id": "7" }))).not.toBe(7n);
  });
});

describe("the token of open auth", () => {
  test("is the id and the name", () => {
    expect(openToken(7n, "Ada Lovelace")).toBe("7:Ada Lovelace");
  });

  test("is the id alone without a name", () => {
    expect(openToken(7n, "  ")).toBe("7");
  });
});

describe("a name", () => {
  test("has no control characters, no space around it, no half letters", () => {
    expect(cleanName(" Ada\n\u0000Lovelace\ud800 ")).toBe("Ada Lovelace\ufffd");
  });

  test("has at most 64 code points", () => {
    expect([...cleanName("🎵".repeat(80))]).toHaveLength(MAX_NAME);
  });
});
