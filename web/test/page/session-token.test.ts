import { beforeEach, describe, expect, test } from "vitest";
import { type Address, SessionToken, splitFragment } from "../../src/page/session-token";
import { channelFromFragment } from "../../src/voice";

let kept: Map<string, string>;
let replaced: string[];
let token: SessionToken;

beforeEach(() => {
  kept = new Map();
  replaced = [];
  token = new SessionToken({
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
  });
});

function address(href: string): Address {
  const { hash, pathname, search } = new URL(href);
  return {
    location: { hash, pathname, search },
    history: { state: null, replaceState: (_state, _unused, url) => void replaced.push(url) },
  };
}

describe("a fragment", () => {
  test.each([
    ["#token=abc", "abc", ""],
    ["#/lobby&token=abc", "abc", "#/lobby"],
    ["#token=abc&/lobby", "abc", "#/lobby"],
    ["#/7/123&token=eyJ0.eyJp.c2ln-_", "eyJ0.eyJp.c2ln-_", "#/7/123"],
    ["#token=7%3AAda%20%26%20Ben", "7:Ada & Ben", ""],
    ["#token=YWJj==", "YWJj==", ""],
    ["#token=100%", "100%", ""],
    ["#token=", "", ""],
  ])("%s gives the token %j and leaves %j", (fragment, given, rest) => {
    expect(splitFragment(fragment)).toEqual({ token: given, rest });
  });

  test.each(["", "#", "#/lobby", "#/r&b", "#/token=abc", "#/a%26token%3Dabc", "#mytoken=abc"])(
    "%j has none and stays as it is",
    (fragment) => {
      expect(splitFragment(fragment)).toEqual({ token: undefined, rest: fragment });
    },
  );

  test("leads to the same channel with a token and without", () => {
    expect(channelFromFragment(splitFragment("#/friday-rehearsal&token=abc").rest)).toBe("friday-rehearsal");
  });
});

describe("the token of a tab", () => {
  test("is empty until one is given", () => {
    expect(token.take(address("https://voice.example/#/lobby"))).toBe(false);
    expect(token.value).toBe("");
    expect(replaced).toEqual([]);
  });

  test("leaves the address at once, which keeps its path, query and channel", () => {
    expect(token.take(address("https://voice.example/voice/?from=mail#/lobby&token=abc"))).toBe(true);
    expect(token.value).toBe("abc");
    expect(replaced).toEqual(["/voice/?from=mail#/lobby"]);
  });

  test("alone in the fragment leaves no fragment", () => {
    token.take(address("https://voice.example/voice/#token=abc"));
    expect(replaced).toEqual(["/voice/"]);
  });

  test("is never taken from a query, which servers log", () => {
    expect(token.take(address("https://voice.example/?token=abc#/lobby"))).toBe(false);
    expect(token.value).toBe("");
  });

  test("outlives a reload, whose address no longer has it", () => {
    token.take(address("https://voice.example/#token=abc"));
    const afterReload = new SessionToken(token.store);
    afterReload.take(address("https://voice.example/#/lobby"));
    expect(afterReload.value).toBe("abc");
  });

  test("is replaced by the next link's, and taken back by an empty one", () => {
    token.take(address("https://voice.example/#token=abc"));
    token.take(address("https://voice.example/#token=def"));
    expect(token.value).toBe("def");
    token.take(address("https://voice.example/#token="));
    expect(token.value).toBe("");
  });
});
