/**
 * The WebSocket of one StreamMessage stream: the only place that touches sockets and HTTP.
 *
 * It ends exactly once, with a `Failure` that says why, unless this side closed it.
 */
import {
  type StreamMessageRequest,
  StreamMessageRequestSchema,
  type StreamMessageResponse,
  StreamMessageResponseSchema,
} from "../gen/protocol/voice/v1/voice_pb";
import { CLIENT_FAILURES, decodeFailure, Failure } from "../hrpc/failure";
import { decodeFrame, encodeRequest } from "../hrpc/frames";
import { encodeToken, SUBPROTOCOL, subprotocols } from "../hrpc/token";

const METHOD_PATH = "protocol.voice.v1.VoiceService/StreamMessage";
const OPEN_TIMEOUT_MS = 10_000;
const DIAGNOSIS_TIMEOUT_MS = 5_000;
const KNOCK_TIMEOUT_MS = 1_000;
const NORMAL_CLOSURE = 1000;

/** What is used of the browser. A test brings its own. */
export interface Network {
  socket(url: string, protocols: string[]): WebSocket;
  fetch(url: string, init: RequestInit): Promise<Response>;
}

/** The browser's network. */
export const browserNetwork: Network = {
  socket: (url, protocols) => new WebSocket(url, protocols),
  fetch: (url, init) => fetch(url, init),
};

/** Whom a stream tells. After `ended` nothing follows. */
export interface StreamListener {
  opened(): void;
  received(response: StreamMessageResponse): void;
  ended(failure: Failure): void;
}

/** One open or opening stream. */
export class Stream {
  readonly #socket: WebSocket;
  readonly #openTimer: ReturnType<typeof setTimeout>;
  #opened = false;
  #over = false;

  /**
   * Opens the stream.
   *
   * @param base the address under which the service is mounted, such as `https://example.org/voice/`.
   * @param token the session token as the auth in use wants it; empty = none.
   */
  constructor(
    readonly base: string,
    readonly token: string,
    readonly listener: StreamListener,
    readonly network: Network = browserNetwork,
  ) {
    this.#socket = network.socket(address(base), subprotocols(token));
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#open();
    this.#socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => this.#receive(event.data);
    this.#socket.onclose = () => void this.#closed();
    this.#openTimer = setTimeout(
      () => this.#end(new Failure(CLIENT_FAILURES.timeout, "The server did not answer in time.")),
      OPEN_TIMEOUT_MS,
    );
  }

  /** Sends one request; into the void once the stream is over. */
  send(request: StreamMessageRequest): void {
    if (this.#opened && !this.#over) this.#socket.send(encodeRequest(StreamMessageRequestSchema, request));
  }

  /** Ends the stream from this side. The listener hears nothing any more. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#openTimer);
    this.#socket.close(NORMAL_CLOSURE);
  }

  #open(): void {
    clearTimeout(this.#openTimer);
    if (this.#over) return;
    if (this.#socket.protocol !== SUBPROTOCOL) {
      this.#end(new Failure(CLIENT_FAILURES.protocol, "The server does not speak hRPC."));
      return;
    }
    this.#opened = true;
    this.listener.opened();
  }

  #receive(data: ArrayBuffer | string): void {
    if (this.#over) return;
    try {
      const frame = decodeFrame(StreamMessageResponseSchema, data);
      if (frame.kind === "error") this.#end(frame.failure);
      else this.listener.received(frame.message);
    } catch (error) {
      this.#end(asFailure(error));
    }
  }

  async #closed(): Promise<void> {
    clearTimeout(this.#openTimer);
    if (this.#over) return;
    this.#end(this.#opened ? lost() : await diagnose(this.base, this.token, this.network));
  }

  #end(failure: Failure): void {
    if (this.#over) return;
    this.close();
    this.listener.ended(failure);
  }
}

/**
 * Why a WebSocket did not open. The browser does not tell, so the same address is asked by plain GET: a server that
 * refuses us answers with its error, one that would let us in says `hrpc.http.bad-streaming-request`.
 */
async function diagnose(base: string, token: string, network: Network): Promise<Failure> {
  try {
    const response = await network.fetch(new URL(METHOD_PATH, base).href, {
      headers: token === "" ? {} : { Authorization: encodeToken(token) },
      cache: "no-store",
      signal: AbortSignal.timeout(DIAGNOSIS_TIMEOUT_MS),
    });
    if (!response.headers.get("Content-Type")?.startsWith("application/hrpc")) return lost();
    const failure = decodeFailure(new Uint8Array(await response.arrayBuffer()));
    if (failure.identifier !== "hrpc.http.bad-streaming-request") return failure;
    return new Failure(CLIENT_FAILURES.blocked, "The server answers, but no WebSocket gets through to it.");
  } catch {
    return lost();
  }
}

function lost(): Failure {
  return new Failure(CLIENT_FAILURES.lost, "The connection to the server is gone.");
}

/**
 * Whether the server is reached over a new connection. A WebSocket, for it is always a new one: HTTP would be sent over
 * a connection that was kept, and that may be as dead as the one in doubt.
 */
export function reaches(base: string, token: string, network: Network): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = network.socket(address(base), subprotocols(token));
    const timer = setTimeout(() => settle(false), KNOCK_TIMEOUT_MS);
    const settle = (reached: boolean): void => {
      clearTimeout(timer);
      socket.close(NORMAL_CLOSURE);
      resolve(reached);
    };
    socket.onopen = () => settle(true);
    socket.onclose = () => settle(false);
  });
}

/** Where a server's streams are opened. */
function address(base: string): string {
  const url = new URL(METHOD_PATH, base);
  url.protocol = url.protocol.replace(/^http/, "ws");
  return url.href;
}

/** Whatever was thrown, as a Failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(CLIENT_FAILURES.unsupported, error instanceof Error ? error.message : String(error));
}
