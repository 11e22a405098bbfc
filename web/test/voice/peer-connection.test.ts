import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { making, withWantedPtime } from "../../src/voice/peer-connection";
import type { Ptime } from "../../src/voice/ptime";

const ANSWER = ["v=0", "m=audio 7 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2", ""].join("\r\n");

/** As much of a peer connection as matters here. */
class FakeConnection {
  static readonly applied: (string | undefined)[] = [];

  async setRemoteDescription({ sdp }: RTCSessionDescriptionInit): Promise<void> {
    FakeConnection.applied.push(sdp);
  }
}

let wanted: Ptime | undefined;

beforeEach(() => {
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  FakeConnection.applied.length = 0;
  wanted = undefined;
});

afterEach(() => vi.unstubAllGlobals());

/** What the encoder is told when mediasoup-client negotiates once for each of these wishes. */
async function told(...wishes: (Ptime | undefined)[]): Promise<(string | undefined)[]> {
  const kind = withWantedPtime(globalThis.RTCPeerConnection, () => wanted);
  const connection = making(kind, () => new RTCPeerConnection());
  for (const wish of wishes) {
    wanted = wish;
    await connection.setRemoteDescription({ type: "answer", sdp: ANSWER });
  }
  return FakeConnection.applied;
}

describe("a connection that sends", () => {
  test("asks in each negotiation for the length that is wanted by then", async () => {
    expect(await told(40, 40, 20)).toEqual([
      `${ANSWER}a=ptime:40\r\n`,
      `${ANSWER}a=ptime:40\r\n`,
      `${ANSWER}a=ptime:20\r\n`,
    ]);
  });

  test("leaves descriptions as they are while nothing is wanted", async () => {
    expect(await told(undefined)).toEqual([ANSWER]);
  });
});

describe("making", () => {
  test("gives the page its own kind back, also after a failure", () => {
    const fail = () => {
      expect(globalThis.RTCPeerConnection).not.toBe(FakeConnection);
      throw new Error("no");
    };
    expect(() => making(class extends RTCPeerConnection {}, fail)).toThrow("no");
    expect(globalThis.RTCPeerConnection).toBe(FakeConnection);
  });

  test("needs no peer connections where there are none", () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    const kind = withWantedPtime(globalThis.RTCPeerConnection, () => 40);
    expect(making(kind, () => "made")).toBe("made");
  });
});
