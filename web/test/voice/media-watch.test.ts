import { describe, expect, test } from "vitest";
import { MediaWatch } from "../../src/voice/media-watch";

function connected(): MediaWatch {
  const watch = new MediaWatch();
  watch.update("sending", "connecting", 0);
  watch.update("sending", "connected", 100);
  return watch;
}

describe("the sound", () => {
  test("is idle while there is nothing to connect", () => {
    expect(new MediaWatch().poll(60_000)).toEqual({ state: "idle", restart: [], rejoin: false });
  });

  test("is as good as its worse transport", () => {
    const watch = connected();
    expect(watch.poll(200).state).toBe("connected");
    watch.update("receiving", "connecting", 300);
    expect(watch.poll(300).state).toBe("connecting");
    watch.update("receiving", "connected", 400);
    expect(watch.poll(400).state).toBe("connected");
  });

  test("is blocked if a transport did not connect within 10 s", () => {
    const watch = new MediaWatch();
    watch.update("sending", "connecting", 0);
    expect(watch.poll(9_999).state).toBe("connecting");
    expect(watch.poll(10_000).state).toBe("blocked");
  });

  test("is blocked at once if the browser gave up", () => {
    const watch = new MediaWatch();
    watch.update("sending", "connecting", 0);
    watch.update("sending", "failed", 2_000);
    expect(watch.poll(2_000).state).toBe("blocked");
  });

  test("that is blocked is tried again every 10 s, and the stream is kept", () => {
    const watch = new MediaWatch();
    watch.update("sending", "connecting", 0);
    const tries = [10_000, 15_000, 20_000, 29_999, 30_000].map((now) => watch.poll(now));
    expect(tries.map(({ restart }) => restart.length)).toEqual([1, 0, 1, 0, 1]);
    expect(tries.every(({ rejoin }) => !rejoin)).toBe(true);
  });

  test("that was interrupted is repaired at once and every 3 s", () => {
    const watch = connected();
    watch.update("sending", "disconnected", 1_000);
    const tries = [1_000, 2_000, 4_000, 5_000].map((now) => watch.poll(now));
    expect(tries.map(({ state }) => state)).toEqual(Array(4).fill("interrupted"));
    expect(tries.map(({ restart }) => restart)).toEqual([["sending"], [], ["sending"], []]);
  });

  test("that stays interrupted for 12 s needs a new stream, however often its state changed meanwhile", () => {
    const watch = connected();
    watch.update("sending", "disconnected", 1_000);
    watch.update("sending", "failed", 6_000);
    watch.update("sending", "connecting", 9_000);
    expect(watch.poll(12_999).rejoin).toBe(false);
    expect(watch.poll(13_000).rejoin).toBe(true);
  });

  test("that came back is not made anew", () => {
    const watch = connected();
    watch.update("sending", "disconnected", 1_000);
    watch.update("sending", "connected", 2_000);
    expect(watch.poll(60_000)).toEqual({ state: "connected", restart: [], rejoin: false });
  });

  test("is looked after at once when the network changed", () => {
    const watch = connected();
    watch.networkChanged();
    expect(watch.poll(500).restart).toEqual(["sending"]);
    expect(watch.poll(501).restart).toEqual([]);
  });
});
