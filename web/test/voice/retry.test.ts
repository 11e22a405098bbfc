import { describe, expect, test } from "vitest";
import { RetryPolicy } from "../../src/voice/retry";

describe("after a lost stream", () => {
  test("the first try follows at once", () => {
    expect(new RetryPolicy(() => 0.99).next()).toBe(0);
  });

  test("later tries wait between half and all of a limit that doubles up to 30 s", () => {
    const longest = new RetryPolicy(() => 1);
    const shortest = new RetryPolicy(() => 0);
    const waits = (policy: RetryPolicy) => Array.from({ length: 8 }, () => policy.next());
    expect(waits(longest)).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(waits(shortest)).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });

  test("a wait that the server asked for is never shortened, and spread by a quarter", () => {
    expect(new RetryPolicy(() => 0).next(20)).toBe(20_000);
    expect(new RetryPolicy(() => 1).next(20)).toBe(25_000);
  });

  test("a wait that the server asked for does not shorten the own one", () => {
    const policy = new RetryPolicy(() => 1);
    for (let attempt = 0; attempt < 6; attempt++) policy.next();
    expect(policy.next(1)).toBe(30_000);
  });

  test("no server can silence a client for more than ten minutes and a quarter", () => {
    expect(new RetryPolicy(() => 1).next(2 ** 32 - 1)).toBe(750_000);
  });

  test("a good stream starts the count anew", () => {
    const policy = new RetryPolicy(() => 1);
    policy.next();
    policy.next();
    policy.reset();
    expect(policy.attempt).toBe(0);
    expect(policy.next()).toBe(0);
  });
});
