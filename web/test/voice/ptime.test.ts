import { describe, expect, test } from "vitest";
import { isPtime, takePtime, withPtime } from "../../src/voice/ptime";

/** An answer as mediasoup-client writes it, with these lines about codecs. */
function answer(...codecs: string[]): string {
  const lines = ["v=0", "m=audio 7 UDP/TLS/RTP/SAVPF 111 63", "a=mid:0", ...codecs, "a=rtcp-mux", ""];
  return lines.join("\r\n");
}

const OPUS = "a=rtpmap:111 opus/48000/2";

describe("a remote description", () => {
  test("asks for the length beside all that it says of Opus otherwise", () => {
    const before = answer(OPUS, "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1");
    const after = answer(OPUS, "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;ptime=40");
    expect(withPtime(before, 40)).toBe(after);
  });

  test("asks for one length, whatever it asked for before", () => {
    const asked = answer(OPUS, "a=fmtp:111 ptime=40;minptime=10");
    expect(withPtime(asked, 20)).toBe(answer(OPUS, "a=fmtp:111 minptime=10;ptime=20"));
    expect(withPtime(withPtime(asked, 60), 20)).toBe(withPtime(asked, 20));
    expect(withPtime(answer(OPUS, "a=fmtp:111 minptime=10; PTIME = 120 ;"), 60)).toBe(
      answer(OPUS, "a=fmtp:111 minptime=10;ptime=60"),
    );
  });

  test("gets the line that it lacks", () => {
    expect(withPtime(answer(OPUS), 60)).toBe(answer(OPUS, "a=fmtp:111 ptime=60"));
  });

  test("says of other codecs what it said, also of RED, which is named before Opus", () => {
    const [red, redFormat] = ["a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"];
    expect(withPtime(answer(red, OPUS, redFormat, "a=fmtp:111 minptime=10"), 40)).toBe(
      answer(red, OPUS, redFormat, "a=fmtp:111 minptime=10;ptime=40"),
    );
    const without = answer("a=rtpmap:11 PCMU/8000", "a=fmtp:11 x=1");
    expect(withPtime(without, 40)).toBe(without);
  });

  test("does not take another payload type that begins with the same digits for Opus", () => {
    const others = ["a=rtpmap:11 PCMU/8000", "a=fmtp:11 x=1", "a=fmtp:1111 x=1"];
    expect(withPtime(answer(...others, OPUS, "a=fmtp:111 minptime=10"), 40)).toBe(
      answer(...others, OPUS, "a=fmtp:111 minptime=10;ptime=40"),
    );
  });
});

describe("a router's capabilities", () => {
  const opus = (ptime?: unknown) => ({ mimeType: "audio/Opus", parameters: { minptime: 10, ptime } });
  const red = { mimeType: "audio/red", parameters: { "": "100/100", ptime: 40 } };

  test("give away the length of Opus, and say the same as those without", () => {
    const taken = takePtime(JSON.stringify({ codecs: [red, opus(40)] }));
    expect(taken.ptime).toBe(40);
    expect(taken.router).toBe(takePtime(JSON.stringify({ codecs: [red, opus()] })).router);
  });

  test.each([undefined, 0, 10, 120, "40", null])("keep what is no length that we know: %j", (ptime) => {
    const kept = JSON.stringify({ codecs: [opus(ptime)] });
    expect(takePtime(kept)).toEqual({ router: kept, ptime: undefined });
  });

  test("may lack codecs and settings", () => {
    expect(takePtime("{}").ptime).toBeUndefined();
    expect(takePtime('{"codecs":[{"mimeType":"audio/opus"}]}').ptime).toBeUndefined();
  });
});

test("a server may ask for 20, 40 or 60 ms", () => {
  expect([0, 10, 20, 30, 40, 50, 60, 120].filter(isPtime)).toEqual([20, 40, 60]);
});
