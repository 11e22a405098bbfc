import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ToldConnection, UNTOLD_MS } from "../../src/page/told";
import { EMPTY_VIEW } from "../../src/page/view";
import { connectionWords } from "../../src/page/words";
import { CLIENT_FAILURES, type ConnectionState, Failure } from "../../src/voice";

const ALONE: ConnectionState = { phase: "joined", media: "idle" };
const SOUND: ConnectionState = { phase: "joined", media: "connecting" };
const CONNECTED: ConnectionState = { phase: "joined", media: "connected" };

function words(first: ConnectionState) {
  const lines: string[] = [];
  const told = new ToldConnection(first, (toldConnection) => {
    lines.push(connectionWords({ ...EMPTY_VIEW, stage: "call", toldConnection }).text);
  });
  return { told, lines };
}

describe("the sound that connects", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("is not told if it is there within 300 ms", () => {
    const { told, lines } = words(ALONE);
    told.update(SOUND);
    vi.advanceTimersByTime(UNTOLD_MS - 1);
    told.update({ ...SOUND });
    told.update(CONNECTED);
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual(["Connected"]);
  });

  test("is told once it takes longer, counted from its beginning", () => {
    const { told, lines } = words(ALONE);
    told.update(SOUND);
    vi.advanceTimersByTime(UNTOLD_MS - 1);
    told.update({ ...SOUND });
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual(["Connecting the sound…"]);
    told.update(CONNECTED);
    expect(lines).toEqual(["Connecting the sound…", "Connected"]);
  });

  test("leaves the words of joining in place until then", () => {
    const { told, lines } = words({ phase: "idle" });
    told.update({ phase: "connecting" });
    told.update(SOUND);
    expect(lines).toEqual(["Connecting…"]);
    told.update(CONNECTED);
    expect(lines).toEqual(["Connecting…", "Connected"]);
  });

  test("has its 300 ms anew each time", () => {
    const { told, lines } = words(CONNECTED);
    told.update(SOUND);
    vi.advanceTimersByTime(UNTOLD_MS - 1);
    told.update(CONNECTED);
    told.update(SOUND);
    vi.advanceTimersByTime(UNTOLD_MS - 1);
    expect(lines).toEqual(["Connected"]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual(["Connected", "Connecting the sound…"]);
  });
});

test("trouble is told at once", () => {
  const { told, lines } = words(CONNECTED);
  told.update({ phase: "joined", media: "interrupted" });
  told.update({ phase: "joined", media: "blocked" });
  const failure = new Failure(CLIENT_FAILURES.lost, "Why.");
  told.update({ phase: "reconnecting", failure, retryAt: 0, attempt: 1, wasJoined: true });
  expect(lines).toEqual(["Sound interrupted, repairing…", "No sound gets through", "Reconnecting…"]);
});
