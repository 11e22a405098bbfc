/**
 * hRPC's framing of a stream, without a socket: bytes in, messages out.
 *
 * Client to server, a binary frame is one serialized request. Server to client, the first byte is an opcode: 0, and a
 * serialized response follows; 1, and a serialized `hrpc.v1.Error` follows. Text frames do not exist.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { CLIENT_FAILURES, decodeFailure, Failure } from "./failure";

const OPCODE_RESPONSE = 0;
const OPCODE_ERROR = 1;

/** What one frame of the server says. After an error the stream is over. */
export type ServerFrame<Message> =
  | { readonly kind: "response"; readonly message: Message }
  | { readonly kind: "error"; readonly failure: Failure };

/** One request as the body of a binary frame. */
export function encodeRequest<Schema extends DescMessage>(
  schema: Schema,
  message: MessageShape<Schema>,
): Uint8Array<ArrayBuffer> {
  return toBinary(schema, message);
}

/**
 * Reads one frame of the server.
 *
 * @throws {Failure} `client.protocol-error` for a text frame, an empty frame, an unknown opcode or a message that
 *   cannot be read.
 */
export function decodeFrame<Schema extends DescMessage>(
  schema: Schema,
  data: ArrayBuffer | string,
): ServerFrame<MessageShape<Schema>> {
  if (typeof data === "string") throw malformed("a text frame");
  const bytes = new Uint8Array(data);
  const body = bytes.subarray(1);
  try {
    if (bytes[0] === OPCODE_RESPONSE) return { kind: "response", message: fromBinary(schema, body) };
    if (bytes[0] === OPCODE_ERROR) return { kind: "error", failure: decodeFailure(body) };
  } catch {
    throw malformed("a message that cannot be read");
  }
  throw malformed(bytes.length === 0 ? "an empty frame" : `the unknown opcode ${bytes[0]}`);
}

function malformed(what: string): Failure {
  return new Failure(CLIENT_FAILURES.protocol, `The server sent ${what}.`);
}
