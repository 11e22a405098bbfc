import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type StreamMessageResponse, StreamMessageResponseSchema } from "../../src/gen/protocol/voice/v1/voice_pb";
import { Failure } from "../../src/hrpc/failure";
import { Session, type Step } from "../../src/voice/session";

const CHANNEL = { guildId: 7n, channelId: 2n ** 63n + 1n };
const KNOWN = { router: '{"codecs":[]}', client: "client capabilities" };
const PARAMETERS = { rtpParameters: "rtp", producerDtls: "producer", consumerDtls: "consumer" };

type Message = MessageInitShape<typeof StreamMessageResponseSchema>["message"] & object;

function response(message: Message): StreamMessageResponse {
  return create(StreamMessageResponseSchema, { message });
}

const INITIALIZED = response({ case: "initialized", value: { rtpCapabilities: KNOWN.router } });
const PREPARED = response({ case: "preparedForJoinChannel", value: { producerTransportOptions: { id: "p" } } });
const JOINED = response({
  case: "joinedChannel",
  value: { otherUsers: [user(1n, "c1"), user(2n, "c2")] },
});
const USER_JOINED = response({ case: "userJoined", value: { data: user(3n, "c3") } });
const USER_LEFT = response({ case: "userLeft", value: { userId: 1n } });
const SPOKE = response({
  case: "hocket",
  value: { event: { case: "participant", value: { userId: 1n, speaking: true } } },
});

function ptime(ms: number): StreamMessageResponse {
  return response({ case: "hocket", value: { event: { case: "ptime", value: { ms } } } });
}

function initialized(rtpCapabilities: string): StreamMessageResponse {
  return response({ case: "initialized", value: { rtpCapabilities } });
}

/** Capabilities of a router, with these settings of Opus. */
function opus(parameters: Record<string, number>): string {
  return JSON.stringify({ codecs: [{ mimeType: "audio/opus", parameters: { minptime: 10, ...parameters } }] });
}

function user(userId: bigint, consumerId: string) {
  return { userId, consumerId, producerId: `p${userId}`, rtpParameters: "{}" };
}

/** Steps in short: `send initialize`, `consume 1`. */
function short(steps: readonly Step[]): string[] {
  return steps.map((step) => {
    if (step.do === "send") return `send ${step.request.message.case}`;
    if (step.do === "consume") return `consume ${step.user.userId}${step.thenResume ? " then resume" : ""}`;
    if (step.do === "release") return `release ${step.userId}`;
    if (step.do === "enter") return `enter ${step.others.length}`;
    return step.do;
  });
}

function sessionIn(state: "initializing" | "preparing" | "connecting" | "joining" | "joined"): Session {
  const session = new Session();
  session.begin(CHANNEL);
  const path = [
    ["initializing", () => undefined],
    ["preparing", () => session.receive(INITIALIZED)],
    ["connecting", () => session.receive(PREPARED)],
    ["joining", () => session.join(PARAMETERS)],
    ["joined", () => session.receive(JOINED)],
  ] as const;
  for (const [name, go] of path) {
    go();
    if (name === state) break;
  }
  expect(session.state).toBe(state);
  return session;
}

describe("a session", () => {
  test("from a cold start sends one request at a time, in the order of the reference", () => {
    const session = new Session();
    expect(short(session.begin(CHANNEL))).toEqual(["send initialize"]);
    expect(session.receive(INITIALIZED)).toEqual([{ do: "load", router: KNOWN.router }]);
    expect(short(session.prepare(KNOWN.client))).toEqual(["send prepareForJoinChannel"]);
    expect(session.receive(PREPARED)).toMatchObject([
      { do: "connect", prepared: { producerTransportOptions: { id: "p" } } },
    ]);
    expect(short(session.join(PARAMETERS))).toEqual(["send joinChannel"]);
    expect(session.state).toBe("joining");
  });

  test("names the channel with exact ids and asks for the extension", () => {
    const [step] = new Session().begin(CHANNEL);
    expect(step).toMatchObject({ request: { message: { value: { ...CHANNEL, hocket: 1 } } } });
  });

  test("puts each parameter under the wire's name for it", () => {
    const [step] = sessionIn("connecting").join(PARAMETERS);
    expect(step).toMatchObject({
      request: {
        message: {
          value: { rtpParamaters: "rtp", producerDtlsParamaters: "producer", consumerDtlsParamaters: "consumer" },
        },
      },
    });
  });

  test("that knows the capabilities sends PrepareForJoinChannel ahead", () => {
    const session = new Session();
    expect(short(session.begin(CHANNEL, KNOWN))).toEqual(["send initialize", "send prepareForJoinChannel"]);
    expect(session.receive(INITIALIZED)).toEqual([]);
    expect(short(session.receive(PREPARED))).toEqual(["connect"]);
  });

  test("whose remembered capabilities are not the router's any more starts over", () => {
    const session = new Session();
    session.begin(CHANNEL, { ...KNOWN, router: "others" });
    expect(short(session.receive(INITIALIZED))).toEqual(["start-over"]);
  });

  test("whose remembered capabilities differ from the router's only in the length of packets goes on", () => {
    const session = new Session();
    session.begin(CHANNEL, { ...KNOWN, router: opus({}) });
    expect(session.receive(initialized(opus({ ptime: 40 })))).toEqual([{ do: "set-ptime", ptime: 40 }]);
    expect(short(session.receive(PREPARED))).toEqual(["connect"]);
  });

  test("from a cold start takes the length of packets out of what is remembered of the router", () => {
    const session = new Session();
    session.begin(CHANNEL);
    expect(session.receive(initialized(opus({ ptime: 60 })))).toEqual([
      { do: "set-ptime", ptime: 60 },
      { do: "load", router: opus({}) },
    ]);
  });

  test.each([20, 40, 60])("hears that packets are to be %i ms long", (ms) => {
    expect(sessionIn("joined").receive(ptime(ms))).toEqual([{ do: "set-ptime", ptime: ms }]);
  });

  test.each([0, 10, 30, 120, 2 ** 32 - 1])("ignores that packets are to be %i ms long", (ms) => {
    expect(sessionIn("joined").receive(ptime(ms))).toEqual([]);
  });

  test("resumes everyone whom JoinedChannel lists as soon as it is read, before consuming", () => {
    expect(short(sessionIn("joining").receive(JOINED))).toEqual([
      "enter 2",
      "send resumeConsumer",
      "send resumeConsumer",
      "consume 1",
      "consume 2",
    ]);
  });

  test("resumes a later joiner once the track is there", () => {
    const session = sessionIn("joined");
    expect(short(session.receive(USER_JOINED))).toEqual(["consume 3 then resume"]);
    expect(session.resume("c3")).toMatchObject([{ request: { message: { value: { consumerId: "c3" } } } }]);
  });

  test("forgets who left", () => {
    expect(short(sessionIn("joined").receive(USER_LEFT))).toEqual(["release 1"]);
  });

  test("hears of the extension in every state", () => {
    for (const state of ["initializing", "preparing", "connecting", "joining", "joined"] as const) {
      expect(short(sessionIn(state).receive(SPOKE))).toEqual(["tell"]);
    }
  });

  test("skips a response of a kind that it does not know", () => {
    expect(sessionIn("joined").receive(create(StreamMessageResponseSchema))).toEqual([]);
  });

  test("that is over takes nothing", () => {
    const session = sessionIn("joined");
    session.end();
    expect(session.receive(USER_JOINED)).toEqual([]);
  });

  const OUT_OF_ORDER = [
    ["initializing", [PREPARED, JOINED, USER_JOINED, USER_LEFT]],
    ["preparing", [INITIALIZED, JOINED, USER_JOINED, USER_LEFT]],
    ["connecting", [INITIALIZED, PREPARED, JOINED, USER_JOINED, USER_LEFT]],
    ["joining", [INITIALIZED, PREPARED, USER_JOINED, USER_LEFT]],
    ["joined", [INITIALIZED, PREPARED, JOINED]],
  ] as const;
  test.each(OUT_OF_ORDER)("that is %s refuses what belongs elsewhere", (state, responses) => {
    for (const wrong of responses) {
      const session = sessionIn(state);
      expect(() => session.receive(wrong)).toThrowError(Failure);
    }
  });
});
