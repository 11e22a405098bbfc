import { describe, expect, test, vi } from "vitest";
import { HISTORY_MS, SpeakingHistory } from "../../src/page/history";
import { initials, Palette, shownName } from "../../src/page/names";
import { safeStore } from "../../src/page/preferences";
import { Store } from "../../src/page/store";
import { meterShare } from "../../src/voice";
import { problemOf } from "../../src/voice/microphone";

describe("a name", () => {
  test.each([
    ["Ada Lovelace", "AL"],
    ["ben", "B"],
    ["Gustav Mahler-Werfel the Younger", "GY"],
    ["李明", "李"],
    ["👩‍🚀 Sally", "👩‍🚀S"],
    ["", ""],
  ])("%j has the initials %j", (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  test("that the server does not say is a guest with four digits of the id", () => {
    expect(shownName("", 2n ** 64n - 1n)).toBe("Guest 1615");
    expect(shownName("", 7n)).toBe("Guest 0007");
    expect(shownName("Ada", 7n)).toBe("Ada");
  });

  test("has a colour that stays", () => {
    const palette = new Palette();
    const first = palette.hue(2n ** 64n - 1n);
    palette.hue(1n);
    expect(palette.hue(2n ** 64n - 1n)).toBe(first);
    expect(new Palette().hue(2n ** 64n - 1n)).toBe(first);
  });

  test("has a colour unlike those of ten others, whatever the ids", () => {
    // Every one of these ids would have the same hue by itself.
    const ids = Array.from({ length: 10 }, (_, index) => BigInt(index) * 360_000n);
    const palette = new Palette();
    const hues = ids.map((id) => palette.hue(id)).sort((a, b) => a - b);
    const gaps = hues.map((hue, index) =>
      index === 0 ? hue + 360 - (hues.at(-1) ?? 0) : hue - (hues[index - 1] ?? 0),
    );
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(19);
  });
});

describe("the history of speech", () => {
  test("knows each stretch, and the one that goes on", () => {
    const history = new SpeakingHistory();
    history.record(1n, true, 1_000);
    history.record(1n, true, 1_500);
    history.record(1n, false, 2_000);
    history.record(1n, false, 2_500);
    history.record(1n, true, 3_000);
    expect(history.stretches(1n, 4_000)).toEqual([
      { start: 1_000, end: 2_000 },
      { start: 3_000, end: undefined },
    ]);
    expect(history.stretches(2n, 4_000)).toEqual([]);
  });

  test("forgets what is no longer drawn", () => {
    const history = new SpeakingHistory();
    history.record(1n, true, 0);
    history.record(1n, false, 1_000);
    expect(history.stretches(1n, HISTORY_MS + 999)).toHaveLength(1);
    expect(history.stretches(1n, HISTORY_MS + 1_000)).toHaveLength(0);
  });

  test("does not grow with the length of a call", () => {
    const history = new SpeakingHistory();
    for (let now = 0; now < 3_600_000; now += 1_000) history.record(1n, now % 2_000 === 0, now);
    expect(history.size).toBeLessThanOrEqual(HISTORY_MS / 2_000 + 1);
  });
});

describe("the store", () => {
  test("tells of a change, and of nothing else", () => {
    const store = new Store({ a: 1, b: 2 });
    const listener = vi.fn();
    const stop = store.subscribe(listener);
    store.set({ a: 1 });
    expect(listener).not.toHaveBeenCalled();
    store.set({ a: 3 });
    expect(listener).toHaveBeenCalledOnce();
    expect(store.value).toEqual({ a: 3, b: 2 });
    stop();
    store.set({ a: 4 });
    expect(listener).toHaveBeenCalledOnce();
  });
});

describe("a browser that forbids storage", () => {
  test("still remembers as long as the page is open", () => {
    const store = safeStore(() => {
      throw new DOMException("no", "SecurityError");
    });
    store.setItem("a", "1");
    expect(store.getItem("a")).toBe("1");
    expect(store.getItem("b")).toBeNull();
  });
});

describe("the microphone", () => {
  test.each([
    ["NotAllowedError", "denied"],
    ["SecurityError", "denied"],
    ["NotFoundError", "missing"],
    ["OverconstrainedError", "missing"],
    ["NotReadableError", "busy"],
    ["TypeError", "unsupported"],
  ])("that fails with %s is %s", (name, problem) => {
    expect(problemOf(Object.assign(new Error("no"), { name }))).toBe(problem);
  });

  test("shows its level from -60 to -10 dBFS", () => {
    expect([Number.NEGATIVE_INFINITY, -60, -35, -10, 0].map(meterShare)).toEqual([0, 0, 0.5, 1, 1]);
  });
});
