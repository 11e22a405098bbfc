import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { StreamMessageRequestSchema, StreamMessageResponseSchema } from "../../src/gen/protocol/voice/v1/voice_pb";
import { CLIENT_FAILURES, Failure } from "../../src/hrpc/failure";
import { decodeFrame, encodeRequest } from "../../src/hrpc/frames";
import { ascii, hex, toHex } from "../support/bytes";

const decode = (text: string) => decodeFrame(StreamMessageResponseSchema, hex(text).buffer);

function protocolError(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure && error.identifier === CLIENT_FAILURES.protocol) return error.sentence;
  }
  throw new Error("no protocol error");
}

describe("a request frame", () => {
  test("is the serialized request and nothing else", () => {
    const request = create(StreamMessageRequestSchema, {
      message: { case: "initialize", value: { guildId: 0n, channelId: 300n, hocket: 1 } },
    });
    // Field 1, 6 bytes: channel_id (2) = 300, hocket (1000) = 1.
    expect(toHex(encodeRequest(StreamMessageRequestSchema, request))).toBe("0A 06 10 AC 02 C0 3E 01");
  });

  test("carries ids above 2^53 and 2^63 exactly", () => {
    const request = create(StreamMessageRequestSchema, {
      message: { case: "initialize", value: { guildId: 2n ** 53n + 1n, channelId: 2n ** 64n - 1n } },
    });
    expect(toHex(encodeRequest(StreamMessageRequestSchema, request))).toBe(
      "0A 14 08 81 80 80 80 80 80 80 10 10 FF FF FF FF FF FF FF FF FF 01",
    );
  });

  test("of the extension travels in field 1000", () => {
    const request = create(StreamMessageRequestSchema, {
      message: { case: "hocket", value: { request: { case: "setMuted", value: { muted: true } } } },
    });
    expect(toHex(encodeRequest(StreamMessageRequestSchema, request))).toBe("C2 3E 04 0A 02 08 01");
  });
});

describe("a frame of the server", () => {
  test("with opcode 0 is a response", () => {
    // user_left (5): user_id (1) = 2^64 - 1.
    const frame = decode("00 2A 0B 08 FF FF FF FF FF FF FF FF FF 01");
    expect(frame.kind === "response" && frame.message.message).toMatchObject({
      case: "userLeft",
      value: { userId: 2n ** 64n - 1n },
    });
  });

  test("with opcode 1 is an error with its identifier and sentence", () => {
    const frame = decode(`01 0A 0D ${ascii("hocket.kicked")} 12 04 ${ascii("Out.")}`);
    expect(frame).toMatchObject({ kind: "error", failure: { identifier: "hocket.kicked", sentence: "Out." } });
  });

  test("says when to come back if it is unavailable", () => {
    const frame = decode(`01 0A 10 ${ascii("hrpc.unavailable")} 1A 02 08 07`);
    expect(frame.kind === "error" && frame.failure.retryAfter).toBe(7);
  });

  test("costs only the retry time if its details cannot be read", () => {
    const frame = decode(`01 0A 10 ${ascii("hrpc.unavailable")} 1A 02 FF FF`);
    expect(frame).toMatchObject({ kind: "error", failure: { retryAfter: undefined } });
  });

  test("with unknown fields is read without them", () => {
    // user_left, and field 2000 beside it.
    expect(decode("00 2A 02 08 05 82 7D 01 41")).toMatchObject({ message: { message: { case: "userLeft" } } });
  });

  test("that is text is a protocol error", () => {
    expect(protocolError(() => decodeFrame(StreamMessageResponseSchema, "hello"))).toContain("text frame");
  });

  test("that is empty is a protocol error", () => {
    expect(protocolError(() => decodeFrame(StreamMessageResponseSchema, new ArrayBuffer(0)))).toContain("empty");
  });

  test("with another opcode is a protocol error", () => {
    expect(protocolError(() => decode("02 2A 00"))).toContain("opcode 2");
  });

  test("that is cut off anywhere is a protocol error or a shorter message, never another exception", () => {
    const whole = hex(`00 0A 07 0A 05 ${ascii("{ }  ")}`);
    for (let length = 2; length < whole.length; length++) {
      expect(protocolError(() => decodeFrame(StreamMessageResponseSchema, whole.slice(0, length).buffer))).toContain(
        "cannot be read",
      );
    }
  });
});
