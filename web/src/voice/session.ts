/**
 * One StreamMessage stream from its Initialize to its end, without a socket: responses in, what to do next out.
 *
 * A table says which response is allowed in which state. Requests are sent ahead where the protocol allows it: with the
 * router's capabilities known from before, Initialize and PrepareForJoinChannel go in one go; the consumers listed in
 * JoinedChannel are resumed as soon as it is read.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Event, RequestSchema } from "../gen/hocket/voice/v1/extension_pb";
import {
  type StreamMessageRequest,
  StreamMessageRequestSchema,
  type StreamMessageResponse,
  type StreamMessageResponse_PreparedForJoinChannel,
  type UserConsumerOptions,
} from "../gen/protocol/voice/v1/voice_pb";
import { CLIENT_FAILURES, Failure } from "../hrpc/failure";
import type { ChannelRef } from "./channel";
import { isPtime, type Ptime, takePtime } from "./ptime";

/** The highest version of the extension (field 1000) that this client understands. */
export const EXTENSION_VERSION = 1;

/**
 * What is known from an earlier stream: the router's capabilities without the length of packets, which is the channel's of
 * the moment, and ours that follow from them. Both JSON.
 */
export interface KnownCapabilities {
  readonly router: string;
  readonly client: string;
}

/** What JoinChannel carries, each a JSON text. An empty `rtpParameters` joins as a listener. */
export interface JoinParameters {
  readonly rtpParameters: string;
  readonly producerDtls: string;
  readonly consumerDtls: string;
}

/** What the shell does next, in this order. */
export type Step =
  /** Send a request. */
  | { readonly do: "send"; readonly request: StreamMessageRequest }
  /** Work out our capabilities from the router's, then call `prepare`. */
  | { readonly do: "load"; readonly router: string }
  /** What was sent ahead rested on capabilities that are no longer the router's: begin a new stream without them. */
  | { readonly do: "start-over" }
  /** Make both transports and the producer, then call `join`. */
  | { readonly do: "connect"; readonly prepared: StreamMessageResponse_PreparedForJoinChannel }
  /** The channel is joined, and `others` are in it. */
  | { readonly do: "enter"; readonly others: readonly UserConsumerOptions[] }
  /** Consume one user; with `thenResume`, call `resume` once the track is there. */
  | { readonly do: "consume"; readonly user: UserConsumerOptions; readonly thenResume: boolean }
  /** Forget one user. */
  | { readonly do: "release"; readonly userId: bigint }
  /** Send packets of another length, in ms. */
  | { readonly do: "set-ptime"; readonly ptime: Ptime }
  /** Tell of an event of the extension. */
  | { readonly do: "tell"; readonly event: Event };

export type SessionState = "idle" | "initializing" | "preparing" | "connecting" | "joining" | "joined" | "over";

type ResponseCase = Exclude<StreamMessageResponse["message"]["case"], undefined>;

const ALLOWED: Record<SessionState, readonly ResponseCase[]> = {
  idle: [],
  initializing: ["initialized", "hocket"],
  preparing: ["preparedForJoinChannel", "hocket"],
  connecting: ["hocket"],
  joining: ["joinedChannel", "hocket"],
  joined: ["userJoined", "userLeft", "hocket"],
  over: [],
};

/** The state of one stream. */
export class Session {
  #state: SessionState = "idle";
  #sentAhead: KnownCapabilities | undefined;

  get state(): SessionState {
    return this.#state;
  }

  /** The stream is open: what to send first. `known` allows to send ahead. */
  begin(channel: ChannelRef, known?: KnownCapabilities): Step[] {
    this.#state = "initializing";
    this.#sentAhead = known;
    const steps = [send({ case: "initialize", value: { ...channel, hocket: EXTENSION_VERSION } })];
    if (known !== undefined) steps.push(prepareRequest(known.client));
    return steps;
  }

  /** Our capabilities (JSON), worked out after the step `load`. */
  prepare(capabilities: string): Step[] {
    return [prepareRequest(capabilities)];
  }

  /** The transports are made: join. */
  join(parameters: JoinParameters): Step[] {
    this.#state = "joining";
    return [
      send({
        case: "joinChannel",
        value: {
          rtpParamaters: parameters.rtpParameters,
          producerDtlsParamaters: parameters.producerDtls,
          consumerDtlsParamaters: parameters.consumerDtls,
        },
      }),
    ];
  }

  /** A consumer's track is in place: let its sound flow. */
  resume(consumerId: string): Step[] {
    return [send({ case: "resumeConsumer", value: { consumerId } })];
  }

  /** A request of the extension. Only for a stream whose server sent Welcome. */
  extension(request: MessageInitShape<typeof RequestSchema>["request"] & object): Step[] {
    return [send({ case: "hocket", value: create(RequestSchema, { request }) })];
  }

  /** The stream ended; nothing that arrives later counts. */
  end(): void {
    this.#state = "over";
  }

  /**
   * Takes one response.
   *
   * @throws {Failure} `client.protocol-error` for a response that this state does not allow. One of an unknown kind is
   *   skipped, as proto3 skips unknown fields.
   */
  receive(response: StreamMessageResponse): Step[] {
    const { message } = response;
    if (message.case === undefined || this.#state === "over") return [];
    if (!ALLOWED[this.#state].includes(message.case)) throw unexpected(message.case, this.#state);
    switch (message.case) {
      case "initialized":
        return this.#initialized(message.value.rtpCapabilities);
      case "preparedForJoinChannel":
        this.#state = "connecting";
        return [{ do: "connect", prepared: message.value }];
      case "joinedChannel":
        return this.#joined(message.value.otherUsers);
      case "userJoined":
        return message.value.data === undefined ? [] : [{ do: "consume", user: message.value.data, thenResume: true }];
      case "userLeft":
        return [{ do: "release", userId: message.value.userId }];
      case "hocket":
        return this.#event(message.value);
    }
  }

  #initialized(capabilities: string): Step[] {
    this.#state = "preparing";
    const { router, ptime } = takePtime(capabilities);
    const wish: Step[] = ptime === undefined ? [] : [{ do: "set-ptime", ptime }];
    if (this.#sentAhead === undefined) return [...wish, { do: "load", router }];
    return this.#sentAhead.router === router ? wish : [{ do: "start-over" }];
  }

  /** A length of packets that we do not know is no reason to end a call. */
  #event(event: Event): Step[] {
    if (event.event.case !== "ptime") return [{ do: "tell", event }];
    const { ms } = event.event.value;
    return isPtime(ms) ? [{ do: "set-ptime", ptime: ms }] : [];
  }

  #joined(others: readonly UserConsumerOptions[]): Step[] {
    this.#state = "joined";
    return [
      { do: "enter", others },
      ...others.flatMap((user) => this.resume(user.consumerId)),
      ...others.map((user) => ({ do: "consume" as const, user, thenResume: false })),
    ];
  }
}

function send(message: MessageInitShape<typeof StreamMessageRequestSchema>["message"] & object): Step {
  return { do: "send", request: create(StreamMessageRequestSchema, { message }) };
}

function prepareRequest(rtpCapabilities: string): Step {
  return send({ case: "prepareForJoinChannel", value: { rtpCapabilities } });
}

function unexpected(what: ResponseCase, state: SessionState): Failure {
  return new Failure(CLIENT_FAILURES.protocol, `The server sent ${what} while this client was ${state}.`);
}
