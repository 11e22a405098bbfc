import { describe, expect, test } from "vitest";
import { isPtime, takePtime, withPtime } from "../../src/voice/ptime";

const SESSION = ["v=0", "s=-", "t=0 0", "a=ice-lite"];
const VOICE = ["m=audio 7 UDP/TLS/RTP/SAVPF 111 63", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;usedtx=1"];
const PHONE = ["m=audio 7 UDP/TLS/RTP/SAVPF 0", "a=rtpmap:0 PCMU/8000"];

/** A description as mediasoup-client writes it. */
function lines(...parts: string[]): string {
  return parts.map((line) => `${line}\r\n`).join("");
}

describe("a remote description", () => {
  test("asks for the length beside all that it says otherwise", () => {
    expect(withPtime(lines(...SESSION, ...VOICE), 40)).toBe(lines(...SESSION, ...VOICE, "a=ptime:40"));
  });

  test("asks for one length, whatever it asked for before", () => {
    const [media = "", ...rest] = VOICE;
    const asked = lines(...SESSION, media, "a=ptime:120", ...rest, "a=ptime:40");
    expect(withPtime(asked, 20)).toBe(lines(...SESSION, ...VOICE, "a=ptime:20"));
  });

  test("says of media other than Opus what it said", () => {
    const before = lines(...SESSION, ...VOICE, ...PHONE);
    expect(withPtime(before, 60)).toBe(lines(...SESSION, ...VOICE, "a=ptime:60", ...PHONE));
    expect(withPtime(lines(...SESSION, ...PHONE), 60)).toBe(lines(...SESSION, ...PHONE));
    expect(withPtime(lines(...SESSION), 60)).toBe(lines(...SESSION));
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
