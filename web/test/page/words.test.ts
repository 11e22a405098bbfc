import { describe, expect, test } from "vitest";
import { EMPTY_VIEW, type View } from "../../src/page/view";
import { connectionWords, loopbackNote, problems, qualityWords } from "../../src/page/words";
import {
  CLIENT_FAILURES,
  CLIENT_NOTICES,
  type ConnectionState,
  Failure,
  type MicrophoneProblem,
} from "../../src/voice";

const CONNECTED: ConnectionState = { phase: "joined", media: "connected" };
const JOINED: View = { ...EMPTY_VIEW, stage: "call", connection: CONNECTED, toldConnection: CONNECTED };

function view(connection: ConnectionState, more: Partial<View> = {}): View {
  return { ...EMPTY_VIEW, stage: "call", connection, toldConnection: connection, ...more };
}

function lost(identifier: string, attempt: number, wasJoined = true): ConnectionState {
  return { phase: "reconnecting", failure: new Failure(identifier, "Why."), retryAt: 0, attempt, wasJoined };
}

const codes = (of: View): string[] => problems(of).map(({ code }) => code);

describe("the connection in words", () => {
  test.each<[ConnectionState, string]>([
    [{ phase: "connecting" }, "Connecting…"],
    [{ phase: "joined", media: "connecting" }, "Connecting the sound…"],
    [{ phase: "joined", media: "connected" }, "Connected"],
    [{ phase: "joined", media: "idle" }, "Connected"],
    [{ phase: "joined", media: "interrupted" }, "Sound interrupted, repairing…"],
    [{ phase: "joined", media: "blocked" }, "No sound gets through"],
    [lost(CLIENT_FAILURES.lost, 1), "Reconnecting…"],
    [lost(CLIENT_FAILURES.lost, 1, false), "Waiting for the server…"],
  ])("%j", (connection, text) => {
    expect(connectionWords(view(connection)).text).toBe(text);
  });

  test("first speak of the microphone, while the browser asks for it", () => {
    expect(connectionWords({ ...EMPTY_VIEW, stage: "asking" }).text).toContain("microphone");
  });

  test("call the network weak above 5 % loss or 400 ms", () => {
    const words = (loss: number, rttMs: number) =>
      connectionWords({ ...JOINED, quality: { loss, rttMs, jitterMs: 0 } }).text;
    expect([words(0.05, 400), words(0.06, 20), words(0, 401)]).toEqual([
      "Connected",
      "Connected, weak network",
      "Connected, weak network",
    ]);
  });

  test("leave out a round trip that was not measured", () => {
    expect(qualityWords({ ...JOINED, quality: { loss: 0.014, rttMs: 0, jitterMs: 0 } })).toBe("1 % lost");
    expect(qualityWords({ ...JOINED, quality: { loss: 0, rttMs: 22.6, jitterMs: 0 } })).toContain("23 ms");
  });
});

describe("a link", () => {
  test.each([
    ["http://localhost:8080/#/a", "localhost"],
    ["http://127.0.0.1/", "127.0.0.1"],
    ["http://[::1]:80/", "[::1]"],
    ["http://a.localhost/", "a.localhost"],
  ])("to %s opens on this computer only, and the note names %s, which stands in it", (link, host) => {
    expect(loopbackNote(link)).toContain(`in place of “${host}”`);
    expect(link).toContain(host);
  });

  test.each(["https://voice.example.org/", "http://192.168.1.5/", "http://localhost.example.org/", "", "nonsense"])(
    "to %j does not",
    (link) => {
      expect(loopbackNote(link)).toBeUndefined();
    },
  );
});

describe("a problem", () => {
  test("is not shown while all is well", () => {
    expect(problems(JOINED)).toEqual([]);
    expect(problems(EMPTY_VIEW)).toEqual([]);
  });

  test("of a lost connection is shown from the second try on, with a button", () => {
    expect(problems(view(lost(CLIENT_FAILURES.lost, 1)))).toEqual([]);
    expect(problems(view(lost(CLIENT_FAILURES.lost, 2)))[0]?.remedy?.action).toBe("retry-connection");
  });

  test("of blocked sound names the port to open", () => {
    const [problem] = problems(
      view({ phase: "joined", media: "blocked" }, { mediaAddresses: ["UDP 203.0.113.7:40000"] }),
    );
    expect(problem?.text).toContain("UDP 203.0.113.7:40000");
  });

  test.each(["hocket.kicked", "hocket.joined-elsewhere", "hocket.permission-denied", "hocket.unauthenticated"])(
    "that ends the call (%s) has words of its own and a way back",
    (identifier) => {
      const [problem] = problems(view({ phase: "ended", failure: new Failure(identifier, "Raw.") }));
      expect(problem?.text).not.toContain("Raw.");
      expect(problem?.remedy?.action).toBe("join");
    },
  );

  test("of somebody unknown says what to do: with a token get a new link, without one sign in or be invited", () => {
    const unknown = { phase: "ended", failure: new Failure("hocket.unauthenticated", "Raw.") } as const;
    const text = (hasToken: boolean) => problems(view(unknown, { hasToken }))[0]?.text;
    expect(text(true)).toContain("Ask for a new one");
    expect(text(false)).toContain("Open the link that you were sent");
  });

  test("of another kind says what the server said", () => {
    const failure = new Failure("hocket.invalid-parameters", "rtp_paramaters.codecs[0].payloadType: is no number");
    expect(problems(view({ phase: "ended", failure }))[0]?.text).toContain("codecs[0].payloadType");
  });

  test.each<[MicrophoneProblem, boolean]>([
    ["insecure", false],
    ["denied", true],
    ["missing", true],
    ["busy", true],
    ["unsupported", true],
  ])("with the microphone (%s) says that listening works", (microphoneProblem, retry) => {
    const [problem] = problems({ ...JOINED, microphoneProblem });
    expect(`${problem?.title} ${problem?.text}`).toContain("can listen");
    expect(problem?.remedy !== undefined).toBe(retry);
  });

  test("of the channel's rules stands for the microphone's", () => {
    expect(codes({ ...JOINED, maySpeak: false, microphoneProblem: "missing" })).toEqual(["may-not-speak"]);
  });

  test("of a moderator's mute is said once", () => {
    const note = { code: CLIENT_NOTICES.muted, text: "A moderator muted you." };
    expect(codes({ ...JOINED, maySpeak: false, note })).toEqual(["muted-by-moderator"]);
    expect(codes({ ...JOINED, note })).toEqual([CLIENT_NOTICES.muted]);
  });

  test("that is more pressing comes first", () => {
    const all = view(
      { phase: "joined", media: "blocked" },
      { soundHeldBack: true, microphoneProblem: "denied", note: { code: "n", text: "Soon." } },
    );
    expect(codes(all)).toEqual(["media-blocked", "sound-held-back", "microphone-denied", "n"]);
  });
});
