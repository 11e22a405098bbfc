import type { types } from "mediasoup-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Caller } from "../support/caller";
import { settle } from "../support/page";
import { ROUTER } from "../support/server";

let caller: Caller;

beforeEach(() => {
  vi.useFakeTimers();
  caller = new Caller();
});

afterEach(() => {
  caller.client.leave();
  vi.useRealTimers();
});

describe("the length of packets", () => {
  /** How often the sending transport negotiated for another length. */
  function negotiations(): () => number {
    const negotiate = vi.spyOn(caller.handlers.made.send[0] ?? expect.fail(), "setRtpEncodingParameters");
    return () => negotiate.mock.calls.length;
  }

  async function ask(ms: number): Promise<void> {
    caller.server.last.tell({ case: "ptime", value: { ms } });
    await settle();
  }

  test("is changed in mid-call, once for each change", async () => {
    await caller.join();
    const count = negotiations();
    for (const ms of [40, 40, 60, 20]) await ask(ms);
    expect(count()).toBe(3);
    expect(caller.client.state.phase).toBe("joined");
  });

  test("that the stream began with is no change", async () => {
    caller.server.router = withPtime(ROUTER, 40);
    await caller.join();
    const count = negotiations();
    await ask(40);
    expect(count()).toBe(0);
  });

  test("that we do not know changes nothing", async () => {
    await caller.join();
    const count = negotiations();
    for (const ms of [0, 30, 120]) await ask(ms);
    expect(count()).toBe(0);
    expect(caller.client.state.phase).toBe("joined");
  });

  test("means nothing to a listener", async () => {
    await caller.join(null);
    await ask(60);
    expect(caller.client.state.phase).toBe("joined");
    expect(caller.handlers.made.send).toHaveLength(0);
  });

  test("that the browser refuses costs no call, and may be asked for again", async () => {
    const told = vi.spyOn(console, "error").mockReturnValue();
    await caller.join();
    const negotiate = vi.spyOn(caller.handlers.made.send[0] ?? expect.fail(), "setRtpEncodingParameters");
    negotiate.mockRejectedValueOnce(new Error("no"));
    await ask(60);
    expect(told).toHaveBeenCalledWith("hocket: packets of 60 ms cannot be sent", expect.anything());
    await ask(60);
    expect(negotiate).toHaveBeenCalledTimes(2);
    expect(caller.client.state.phase).toBe("joined");
    told.mockRestore();
  });

  test("costs no second stream when it is not what it was the last time", async () => {
    await caller.join();
    caller.client.leave();
    caller.server.router = withPtime(ROUTER, 60);
    await caller.join();
    expect(caller.server.connections).toHaveLength(2);
    expect(caller.server.last.asked.slice(0, 2)).toEqual(["initialize", "prepareForJoinChannel"]);
  });
});

/** A router's capabilities with a length of packets. */
function withPtime(router: string, ptime: number): string {
  const capabilities = JSON.parse(router) as types.RtpCapabilities;
  for (const { mimeType, parameters } of capabilities.codecs ?? []) {
    if (mimeType === "audio/opus" && parameters !== undefined) parameters["ptime"] = ptime;
  }
  return JSON.stringify(capabilities);
}
