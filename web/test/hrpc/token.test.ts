import { describe, expect, test } from "vitest";
import { encodeToken, subprotocols } from "../../src/hrpc/token";

/** RFC 9110 section 5.6.2: what a browser accepts as a subprotocol. */
const HTTP_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

describe("the token", () => {
  test("is offered after hrpc1, percent-encoded", () => {
    expect(subprotocols("7:Ada Lovelace")).toEqual(["hrpc1", "7%3AAda%20Lovelace"]);
  });

  test("is not offered if there is none", () => {
    expect(subprotocols("")).toEqual(["hrpc1"]);
  });

  test("that is a JWT or a number stays as it is", () => {
    expect(encodeToken("eyJh.eyJz-_.c2ln")).toBe("eyJh.eyJz-_.c2ln");
    expect(encodeToken("9007199254740993")).toBe("9007199254740993");
  });

  test.each(["a(b)c", 'x@y,z;"\\/[]?={}', "!'*", "Zoë 李明 🎵", "\ud800", "%"])("%j becomes an HTTP token", (token) => {
    expect(encodeToken(token)).toMatch(HTTP_TOKEN);
  });

  test("comes back by percent-decoding", () => {
    const token = "7:Zoë (李明) 🎵 100%";
    expect(decodeURIComponent(encodeToken(token))).toBe(token);
  });
});
