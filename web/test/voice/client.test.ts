import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CLIENT_FAILURES, type ConnectionState, type VoiceClient } from "../../src/voice";
import { Caller, microphone } from "../support/caller";
import { settle } from "../support/page";
import { consumable, type FakeServer, type fakeHandlers, ROUTER } from "../support/server";

const BEN = 2n;
const CHIARA = 2n ** 64n - 1n;

let caller: Caller;
let server: FakeServer;
let handlers: ReturnType<typeof fakeHandlers>;
let client: VoiceClient;
let states: ConnectionState[];
let tracks: [bigint, boolean][];

beforeEach(() => {
  vi.useFakeTimers();
  begin();
});

afterEach(() => {
  client.leave();
  vi.useRealTimers();
});

function begin(): void {
  caller = new Caller();
  ({ server, handlers, client, states, tracks } = caller);
}

function visitAgain(): void {
  caller.visit();
  ({ client, states, tracks } = caller);
}

async function join(track: MediaStreamTrack | null = microphone()): Promise<void> {
  await caller.join(track);
}

const phases = (): string[] => states.map(({ phase }) => phase);

function joinRequest(connection = server.last) {
  const found = connection.requests.map(({ message }) => message).find(({ case: kind }) => kind === "joinChannel");
  if (found?.case !== "joinChannel") throw new Error("no JoinChannel");
  return found.value;
}

describe("joining", () => {
  test("opens the stream below the mount point, with hrpc1 and the token", async () => {
    await join();
    expect(server.last.url).toBe("wss://voice.example/mounted/here/protocol.voice.v1.VoiceService/StreamMessage");
    expect(server.last.protocols).toEqual(["hrpc1", "7%3AAda%20Lovelace"]);
  });

  test("goes through the steps of the reference", async () => {
    await join();
    expect(server.last.asked).toEqual(["initialize", "prepareForJoinChannel", "joinChannel"]);
    expect(phases()).toEqual(["connecting", "joined"]);
  });

  test("tells the receiving transport's fingerprint before anything is consumed", async () => {
    await join();
    expect(JSON.parse(joinRequest().consumerDtlsParamaters)).toEqual({
      role: "client",
      fingerprints: [{ algorithm: "sha-256", value: "aa:bb" }],
    });
    expect(JSON.parse(joinRequest().rtpParamaters)).toHaveProperty("codecs");
  });

  test("without a microphone joins as a listener and sends nothing", async () => {
    await join(null);
    expect(joinRequest().rtpParamaters).toBe("");
    expect(handlers.made.send).toEqual([]);
    expect(client.self.listening).toBe(true);
  });

  test("hears those who are there already, and resumes them before they are consumed", async () => {
    server.others = [
      { userId: BEN, consumerId: "c-ben" },
      { userId: CHIARA, consumerId: "c-chiara" },
    ];
    await join();
    expect(server.last.asked.slice(3)).toEqual(["resumeConsumer", "resumeConsumer"]);
    expect([...client.participants.keys()]).toEqual([BEN, CHIARA]);
    expect(tracks).toEqual([
      [BEN, true],
      [CHIARA, true],
    ]);
  });

  test("again sends PrepareForJoinChannel ahead, as the router is known", async () => {
    await join();
    server.answer = () => undefined;
    await join();
    expect(server.last.asked).toEqual(["initialize", "prepareForJoinChannel"]);
  });

  test("at the next visit sends ahead as well", async () => {
    await join();
    client.leave();
    visitAgain();
    await client.warmUp();
    server.answer = () => undefined;
    await join();
    expect(server.last.asked).toEqual(["initialize", "prepareForJoinChannel"]);
  });

  test("starts over without a wait if the router changed meanwhile", async () => {
    await join();
    client.leave();
    server.router = ROUTER.replace('"foo":"bar"', '"foo":"baz"');
    expect(server.router).not.toBe(ROUTER);
    await join();
    expect(server.connections.map(({ asked }) => asked.length)).toEqual([3, 2, 3]);
    expect(client.state.phase).toBe("joined");
  });

  test("as a listener if the server does not let the user speak", async () => {
    const answer = server.answer.bind(server);
    server.answer = (connection, request) => {
      const { message } = request;
      const speaks = message.case === "joinChannel" && message.value.rtpParamaters !== "";
      if (speaks) connection.fail("hocket.permission-denied", "You may not speak here.");
      else answer(connection, request);
    };
    await join();
    expect(client.state.phase).toBe("joined");
    expect(client.self.listening).toBe(true);
    expect(server.connections).toHaveLength(2);
  });
});

describe("in the channel", () => {
  test("a later joiner is consumed and then resumed", async () => {
    await join();
    server.last.respond({ case: "userJoined", value: { data: consumable({ userId: BEN, consumerId: "c-ben" }) } });
    expect(server.last.asked).not.toContain("resumeConsumer");
    await settle();
    expect(server.last.asked.at(-1)).toBe("resumeConsumer");
    expect(tracks).toEqual([[BEN, true]]);
  });

  test("someone who leaves while being consumed is never heard", async () => {
    await join();
    server.last.respond({ case: "userJoined", value: { data: consumable({ userId: BEN, consumerId: "c-ben" }) } });
    server.last.respond({ case: "userLeft", value: { userId: BEN } });
    await settle();
    expect(tracks).toEqual([[BEN, false]]);
    expect(client.participants.size).toBe(0);
    expect(server.last.asked).not.toContain("resumeConsumer");
  });

  test("one who cannot be consumed costs nobody else's sound", async () => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const broken = { ...consumable({ userId: BEN, consumerId: "c-ben" }), rtpParameters: "{" };
    await join();
    server.last.respond({ case: "userJoined", value: { data: broken } });
    server.last.respond({ case: "userJoined", value: { data: consumable({ userId: CHIARA, consumerId: "c" }) } });
    await settle();
    expect(tracks).toEqual([[CHIARA, true]]);
    expect(client.state.phase).toBe("joined");
    expect(errors).toHaveBeenCalledOnce();
  });

  test("names and speaking come from the extension", async () => {
    const spoke: [bigint, boolean][] = [];
    client.on("speaking", (userId, speaking) => spoke.push([userId, speaking]));
    server.others = [{ userId: CHIARA, consumerId: "c" }];
    await join();
    server.last.tell({ case: "participant", value: { userId: CHIARA, name: "Chiara", speaking: true } });
    server.last.tell({ case: "participant", value: { userId: CHIARA, name: "Chiara", speaking: true } });
    server.last.tell({ case: "participant", value: { userId: CHIARA, name: "Chiara", muted: true } });
    expect(client.participants.get(CHIARA)).toMatchObject({ name: "Chiara", muted: true, speaking: false });
    expect(spoke).toEqual([
      [CHIARA, true],
      [CHIARA, false],
    ]);
  });

  test("what is told about oneself is no participant", async () => {
    await join();
    server.last.tell({ case: "participant", value: { userId: 1n, name: "Ada", speaking: true, maySpeak: true } });
    expect(client.participants.size).toBe(0);
    expect(client.self).toMatchObject({ userId: 1n, name: "Ada", speaking: true });
  });

  test("a server without the extension is asked nothing of it", async () => {
    server.extension = false;
    await join();
    client.setMuted(true);
    expect(server.last.asked).toEqual(["initialize", "prepareForJoinChannel", "joinChannel"]);
    expect(client.self.muted).toBe(true);
  });

  test("a listener who gets a microphone joins again with it", async () => {
    await join(null);
    await client.setMicrophone(microphone());
    await settle();
    expect(server.connections).toHaveLength(2);
    expect(joinRequest().rtpParamaters).not.toBe("");
    expect(client.self.listening).toBe(false);
  });

  test("another microphone needs no new stream", async () => {
    await join();
    await client.setMicrophone(microphone());
    await settle();
    expect(server.connections).toHaveLength(1);
  });

  test("leaving closes the stream and says so", async () => {
    await join();
    client.leave();
    expect(server.last.closedWith).toBe(1000);
    expect(client.state.phase).toBe("idle");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.connections).toHaveLength(1);
  });
});

describe("a lost stream", () => {
  test("is opened again at once, then ever more slowly", async () => {
    await join();
    server.arrival = (connection) => queueMicrotask(() => connection.drop());
    server.last.drop();
    const tries: number[] = [];
    for (const wait of [0, 1_000, 2_000, 4_000]) {
      await vi.advanceTimersByTimeAsync(wait);
      await settle();
      tries.push(server.connections.length);
    }
    expect(tries).toEqual([2, 3, 4, 5]);
    expect(client.state).toMatchObject({ phase: "reconnecting", attempt: 5, wasJoined: true });
  });

  test("comes back with its people, its mute and its names", async () => {
    server.others = [{ userId: BEN, consumerId: "c1" }];
    await join();
    server.last.tell({ case: "participant", value: { userId: BEN, name: "Ben", speaking: true } });
    client.setMuted(true);
    server.last.drop();
    expect(client.participants.get(BEN)).toMatchObject({ name: "Ben", speaking: false });
    await settle();
    expect(client.state.phase).toBe("joined");
    expect(client.participants.get(BEN)?.name).toBe("Ben");
    expect(server.last.asked).toContain("hocket.setMuted");
  });

  test("waits as long as the server asked", async () => {
    await join();
    server.last.fail("hrpc.unavailable", "Restarting.", 8);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(server.connections).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.connections).toHaveLength(2);
  });

  test("is tried at once when the network comes back", async () => {
    await join();
    server.last.fail("hrpc.unavailable", "Restarting.", 60);
    client.networkChanged();
    await settle();
    expect(client.state.phase).toBe("joined");
  });

  test("right after joining counts as one more failure, one after 10 s does not", async () => {
    await join();
    server.last.drop();
    await settle();
    server.last.drop();
    expect(client.state).toMatchObject({ attempt: 2 });
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.advanceTimersByTimeAsync(10_000);
    server.last.drop();
    expect(client.state).toMatchObject({ attempt: 1 });
  });

  test("that never opened is explained by what HTTP says", async () => {
    const body = Uint8Array.from([0x0a, 0x16, ...new TextEncoder().encode("hocket.unauthenticated")]);
    server.http = async () => new Response(body, { status: 401, headers: { "Content-Type": "application/hrpc" } });
    server.arrival = (connection) => queueMicrotask(() => connection.drop());
    await join();
    expect(client.state).toMatchObject({ phase: "ended", failure: { identifier: "hocket.unauthenticated" } });
    expect(server.fetched[0]?.headers).toEqual({ Authorization: "7%3AAda%20Lovelace" });
  });

  test("that would be fine over HTTP means that WebSockets are blocked", async () => {
    const identifier = "hrpc.http.bad-streaming-request";
    const body = Uint8Array.from([0x0a, identifier.length, ...new TextEncoder().encode(identifier)]);
    server.http = async () => new Response(body, { status: 400, headers: { "Content-Type": "application/hrpc" } });
    server.arrival = (connection) => queueMicrotask(() => connection.drop());
    await join();
    expect(client.state).toMatchObject({ phase: "reconnecting", failure: { identifier: CLIENT_FAILURES.blocked } });
  });

  test("that stalls is given up after 10 s, whichever step it stalls at", async () => {
    const stalls = ["open", "initialize", "prepareForJoinChannel", "joinChannel"];
    for (const stall of stalls) {
      begin();
      const answer = server.answer.bind(server);
      server.answer = (connection, request) => {
        if (request.message.case !== stall) answer(connection, request);
      };
      if (stall === "open") server.arrival = () => undefined;
      await join();
      await vi.advanceTimersByTimeAsync(9_999);
      expect([stall, client.state.phase]).toEqual([stall, "connecting"]);
      await vi.advanceTimersByTimeAsync(1);
      expect(states.at(-1)).toMatchObject({ phase: "reconnecting", failure: { identifier: CLIENT_FAILURES.timeout } });
      client.leave();
    }
  });

  test.each(["hocket.kicked", "hocket.joined-elsewhere", "hocket.unauthenticated"])(
    "with %s does not come back by itself",
    async (identifier) => {
      server.others = [{ userId: BEN, consumerId: "c1" }];
      await join();
      server.last.fail(identifier);
      await vi.advanceTimersByTimeAsync(120_000);
      expect(client.state).toMatchObject({ phase: "ended", failure: { identifier } });
      expect(server.connections).toHaveLength(1);
      expect(client.participants.size).toBe(0);
      expect(tracks.at(-1)).toEqual([BEN, false]);
    },
  );

  test("that speaks another protocol is not used", async () => {
    server.arrival = (connection) => queueMicrotask(() => connection.client.onopen?.(new Event("open")));
    await join();
    expect(client.state).toMatchObject({ failure: { identifier: CLIENT_FAILURES.protocol } });
    expect(server.last.asked).toEqual([]);
  });
});

describe("a quiet stream", () => {
  const requests = (): number => server.connections.flatMap((connection) => connection.requests).length;

  test("is asked for a sign of life, and kept while it gives one", async () => {
    await join();
    const before = requests();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests() - before).toBeGreaterThan(10);
    expect(server.connections).toHaveLength(1);
  });

  test("that gives none, though the server is reached anew, is left within a second", async () => {
    await join();
    server.pongs = false;
    await vi.advanceTimersByTimeAsync(1_000);
    const [left, knock, next] = server.connections;
    expect([left?.closedWith, knock?.closedWith, next?.closedWith]).toEqual([1000, 1000, undefined]);
    expect(knock?.asked).toEqual([]);
    expect(next?.asked).toContain("joinChannel");
    expect(client.state.phase).toBe("joined");
  });

  test("is kept while the network is away: nothing would be won", async () => {
    await join();
    server.pongs = false;
    server.arrival = () => {};
    await vi.advanceTimersByTimeAsync(10_000);
    const [kept, ...knocks] = server.connections;
    expect(kept?.closedWith).toBeUndefined();
    expect(knocks.length).toBeGreaterThan(5);
    expect(knocks.slice(0, -1).every(({ closedWith }) => closedWith === 1000)).toBe(true);
    expect(client.state.phase).toBe("joined");
  });

  test("that answers after all is kept", async () => {
    await join();
    server.pongs = false;
    const kept = server.last;
    server.arrival = (connection) => {
      kept.tell({ case: "pong", value: {} });
      connection.accept();
    };
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.connections.length).toBeGreaterThan(1);
    expect(kept.closedWith).toBeUndefined();
  });

  test("of a server without the extension is let be", async () => {
    server.extension = false;
    await join();
    const before = requests();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(requests()).toBe(before);
  });
});

describe("a transport", () => {
  test("that is disconnected is restarted through the extension", async () => {
    await join();
    const handler = handlers.made.send[0];
    const restart = vi.spyOn(handler ?? expect.fail(), "restartIce");
    handler?.setConnectionState("connected");
    handler?.setConnectionState("disconnected");
    expect(client.state).toMatchObject({ phase: "joined", media: "interrupted" });
    expect(server.last.requests.at(-1)?.message).toMatchObject({
      value: { request: { case: "restartIce", value: { transportId: "send" } } },
    });
    server.last.tell({
      case: "iceRestarted",
      value: { transportId: "send", iceParameters: '{"usernameFragment":"n"}' },
    });
    await settle();
    expect(restart).toHaveBeenCalledWith({ usernameFragment: "n" });
  });

  test("whose restart is not answered within 3 s means that the stream is dead", async () => {
    await join();
    handlers.made.send[0]?.setConnectionState("connected");
    handlers.made.send[0]?.setConnectionState("disconnected");
    await vi.advanceTimersByTimeAsync(2_999);
    expect(server.connections).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(states.at(-1)).toMatchObject({ phase: "reconnecting", failure: { identifier: CLIENT_FAILURES.timeout } });
    await vi.advanceTimersByTimeAsync(1);
    await settle();
    expect(server.connections).toHaveLength(2);
    expect(client.state.phase).toBe("joined");
  });

  test("that never connects is blocked after 10 s, and the address is told", async () => {
    await join();
    handlers.made.send[0]?.setConnectionState("connecting");
    await vi.advanceTimersByTimeAsync(9_000);
    expect(client.state).toMatchObject({ media: "connecting" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(client.state).toMatchObject({ media: "blocked" });
    expect(client.mediaAddresses[0]).toMatch(/^(UDP|TCP) .+:\d+$/);
  });

  test("that is blocked stays so in the next stream until sound gets through", async () => {
    await join();
    handlers.made.send[0]?.setConnectionState("connecting");
    handlers.made.send[0]?.setConnectionState("failed");
    server.last.fail("hocket.transport-failed", "handshake-timeout");
    await settle();
    handlers.made.send[1]?.setConnectionState("connecting");
    expect(client.state).toMatchObject({ phase: "joined", media: "blocked" });
    handlers.made.send[1]?.setConnectionState("connected");
    expect(client.state).toMatchObject({ phase: "joined", media: "connected" });
  });

  test("is looked after at once when the network changed", async () => {
    await join();
    handlers.made.send[0]?.setConnectionState("connected");
    client.networkChanged();
    expect(server.last.asked.at(-1)).toBe("hocket.restartIce");
  });
});
