/**
 * Why a stream ended: what the server said in an `hrpc.v1.Error`, or what this side saw of the connection.
 *
 * Identifiers that start with `hrpc.` or `hocket.` come from the server; those that start with `client.` are made here.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { ErrorSchema, RetryInfoSchema } from "../gen/hrpc/v1/hrpc_pb";

/** Identifiers of failures that the server cannot tell about. */
export const CLIENT_FAILURES = {
  /** The WebSocket closed, or never opened, without an error frame. */
  lost: "client.connection-lost",
  /** A step of the handshake or an answer took too long. */
  timeout: "client.timeout",
  /** The server sent something that the protocol does not allow. */
  protocol: "client.protocol-error",
  /** HTTP reaches the server, WebSockets do not. */
  blocked: "client.websocket-blocked",
  /** This browser lacks WebRTC or cannot agree on a codec. */
  unsupported: "client.unsupported",
} as const;

/** A failure with the identifier that programs look at and the sentence that people read. */
export class Failure extends Error {
  override readonly name = "Failure";

  /**
   * @param identifier which failure, such as `hrpc.unavailable`.
   * @param sentence one sentence for people, as the server wrote it.
   * @param retryAfter seconds after which the server wants to see us again; undefined = it did not say.
   */
  constructor(
    readonly identifier: string,
    readonly sentence: string,
    readonly retryAfter?: number,
  ) {
    super(`${identifier}: ${sentence}`);
  }
}

/** Identifiers whose details hold an `hrpc.v1.RetryInfo`. */
const WITH_RETRY_INFO: ReadonlySet<string> = new Set(["hrpc.unavailable", "hrpc.resource-exhausted"]);

/**
 * Reads a serialized `hrpc.v1.Error`, from an error frame or the body of an HTTP answer.
 *
 * @throws if the bytes are not such a message. Details that cannot be read only cost the retry time.
 */
export function decodeFailure(bytes: Uint8Array): Failure {
  const error = fromBinary(ErrorSchema, bytes);
  return new Failure(error.identifier, error.humanMessage, retryAfter(error.identifier, error.details));
}

function retryAfter(identifier: string, details: Uint8Array): number | undefined {
  if (details.length === 0 || !WITH_RETRY_INFO.has(identifier)) return undefined;
  try {
    return fromBinary(RetryInfoSchema, details).retryAfter;
  } catch {
    return undefined;
  }
}
