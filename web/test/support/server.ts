/**
 * A server in memory: speaks the wire's bytes over a stand-in for WebSocket, and grants whatever is asked. Tests script
 * the rest. The client under test runs on mediasoup-client's own fake WebRTC handler.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FakeHandler, testFakeParameters, type types } from "mediasoup-client";
import type { EventSchema } from "../../src/gen/hocket/voice/v1/extension_pb";
import { ErrorSchema, RetryInfoSchema } from "../../src/gen/hrpc/v1/hrpc_pb";
import {
  type StreamMessageRequest,
  StreamMessageRequestSchema,
  StreamMessageResponseSchema,
} from "../../src/gen/protocol/voice/v1/voice_pb";
import type { Network } from "../../src/voice/stream";

type ResponseInit = MessageInitShape<typeof StreamMessageResponseSchema>["message"] & object;
type EventInit = MessageInitShape<typeof EventSchema>["event"] & object;

export const ROUTER = JSON.stringify(testFakeParameters.generateRouterRtpCapabilities());

/** One WebSocket, seen from the server. */
export class Connection {
  readonly requests: StreamMessageRequest[] = [];
  readonly client: WebSocket;
  open = false;
  /** The code with which the client closed. */
  closedWith: number | undefined;

  constructor(
    readonly url: string,
    readonly protocols: readonly string[],
    readonly server: FakeServer,
  ) {
    this.client = {
      protocol: "",
      send: (data: Uint8Array) => this.#receive(data),
      close: (code: number) => {
        this.closedWith ??= code;
        this.open = false;
      },
    } as unknown as WebSocket;
  }

  /** Lets the client in. */
  accept(): void {
    this.open = true;
    Object.assign(this.client, { protocol: this.protocols[0] });
    this.client.onopen?.(new Event("open"));
  }

  /** The connection breaks, or is refused. */
  drop(): void {
    this.open = false;
    this.client.onclose?.(new Event("close") as CloseEvent);
  }

  /** Ends the stream with an error frame. */
  fail(identifier: string, humanMessage = "", retryAfter?: number): void {
    const details =
      retryAfter === undefined ? new Uint8Array() : toBinary(RetryInfoSchema, create(RetryInfoSchema, { retryAfter }));
    this.#frame(1, toBinary(ErrorSchema, create(ErrorSchema, { identifier, humanMessage, details })));
  }

  respond(message: ResponseInit): void {
    const response = create(StreamMessageResponseSchema, { message });
    this.#frame(0, toBinary(StreamMessageResponseSchema, response));
  }

  tell(event: EventInit): void {
    this.respond({ case: "hocket", value: { event } });
  }

  /** What was asked, in short, but for the signs of life. */
  get asked(): string[] {
    const asked = this.requests.filter(({ message }) => !isPing(message));
    return asked.map(({ message }) =>
      message.case === "hocket" ? `hocket.${message.value.request.case}` : String(message.case),
    );
  }

  #frame(opcode: number, body: Uint8Array): void {
    const data = Uint8Array.from([opcode, ...body]).buffer;
    this.client.onmessage?.({ data } as MessageEvent);
  }

  #receive(data: Uint8Array): void {
    const request = fromBinary(StreamMessageRequestSchema, data);
    this.requests.push(request);
    queueMicrotask(() => {
      if (this.open) this.server.answer(this, request);
    });
  }
}

/** Accepts streams and answers the handshake. Its parts are replaced by tests that want it otherwise. */
export class FakeServer {
  readonly connections: Connection[] = [];
  readonly fetched: RequestInit[] = [];
  router = ROUTER;
  extension = true;
  /** Whether pings are answered. */
  pongs = true;
  /** Who is in the channel already, with each one's consumer id. */
  others: { userId: bigint; consumerId: string }[] = [];
  /** What happens to a new connection. */
  arrival: (connection: Connection) => void = (connection) => queueMicrotask(() => connection.accept());
  /** What plain HTTP answers. */
  http: () => Promise<Response> = () => Promise.reject(new TypeError("no network"));

  readonly network: Network = {
    socket: (url, protocols) => {
      const connection = new Connection(url, protocols, this);
      this.connections.push(connection);
      this.arrival(connection);
      return connection.client;
    },
    fetch: (_url, init) => {
      this.fetched.push(init);
      return this.http();
    },
  };

  get last(): Connection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody connected");
    return last;
  }

  answer(connection: Connection, { message }: StreamMessageRequest): void {
    switch (message.case) {
      case "initialize":
        connection.respond({ case: "initialized", value: { rtpCapabilities: this.router } });
        if (this.extension) connection.tell({ case: "welcome", value: { version: 1, userId: 1n, name: "Ada" } });
        break;
      case "prepareForJoinChannel":
        connection.respond({
          case: "preparedForJoinChannel",
          value: { consumerTransportOptions: transport("receive"), producerTransportOptions: transport("send") },
        });
        break;
      case "joinChannel":
        connection.respond({ case: "joinedChannel", value: { otherUsers: this.others.map(consumable) } });
        break;
      case "hocket":
        if (isPing(message) && this.pongs) connection.tell({ case: "pong", value: {} });
        break;
      default:
        break;
    }
  }
}

function isPing(message: StreamMessageRequest["message"]): boolean {
  return message.case === "hocket" && message.value.request.case === "ping";
}

/** What a client needs to consume a user. */
export function consumable({ userId, consumerId }: { userId: bigint; consumerId: string }) {
  const { producerId, rtpParameters } = testFakeParameters.generateConsumerRemoteParameters({
    id: consumerId,
    codecMimeType: "audio/opus",
  });
  return { userId, consumerId, producerId: producerId ?? "", rtpParameters: JSON.stringify(rtpParameters) };
}

function transport(id: string) {
  const { iceParameters, iceCandidates, dtlsParameters } = testFakeParameters.generateTransportRemoteParameters();
  return {
    id,
    iceParameters: JSON.stringify(iceParameters),
    iceCandidates: iceCandidates.map((candidate) => JSON.stringify(candidate)),
    dtlsParameters: JSON.stringify(dtlsParameters),
  };
}

/** mediasoup-client's fake handlers, by direction, so that a test can change their connection state. */
export function fakeHandlers(): { factory: types.HandlerFactory; made: Record<"send" | "recv", FakeHandler[]> } {
  const made: Record<"send" | "recv", FakeHandler[]> = { send: [], recv: [] };
  const base = FakeHandler.createFactory(testFakeParameters);
  const factory: types.HandlerFactory = {
    ...base,
    factory: (options) => {
      const handler = base.factory(options) as FakeHandler;
      made[options.direction].push(handler);
      return handler;
    },
  };
  return { factory, made };
}

/** A certificate as far as the client looks at it; mediasoup-client clones it, hence the method on the prototype. */
class Certificate {
  readonly expires = Number.POSITIVE_INFINITY;

  getFingerprints(): RTCDtlsFingerprint[] {
    return [{ algorithm: "sha-256", value: "aa:bb" }];
  }
}

export const CERTIFICATE: RTCCertificate = new Certificate();
