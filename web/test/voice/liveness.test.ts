import { describe, expect, test } from "vitest";
import {
  AGAIN_MS,
  ANSWER_MS,
  IDLE_MS,
  IDLE_SHARE,
  IDLEST_MS,
  KNOCK_EVERY_MS,
  Liveness,
  QUIET_MS,
} from "../../src/voice/liveness";

/** A stream whose sound flowed until 0. */
function flowing(): Liveness {
  const life = new Liveness(-1_000);
  life.sound(1, 0);
  return life;
}

describe("a sign of life", () => {
  test("is asked for as soon as flowing sound stops", () => {
    const life = flowing();
    expect(life.poll(QUIET_MS - 1)).toBe("nothing");
    expect(life.poll(QUIET_MS)).toBe("ping");
    expect(life.poll(QUIET_MS + 1)).toBe("nothing");
  });

  test("is asked for less often where nobody speaks", () => {
    const life = new Liveness(0);
    expect(life.poll(IDLE_MS - 1)).toBe("nothing");
    expect(life.poll(IDLE_MS)).toBe("ping");
    life.sign(IDLE_MS + 20);
    expect(life.poll(2 * IDLE_MS)).toBe("nothing");
    expect(life.poll(2 * IDLE_MS + 20)).toBe("ping");
  });

  test("is asked for ever less often in a long silence, and as often as ever once there was sound", () => {
    const life = new Liveness(0);
    const pings: number[] = [];
    for (let now = 0; now < 120_000; now += 30) {
      if (life.poll(now) === "ping") pings.push(now);
      life.sign(now);
    }
    const pauses = pings.map((ping, place) => ping - (pings[place - 1] ?? 0));
    expect(pauses.every((pause) => pause >= IDLE_MS && pause <= IDLEST_MS + 60)).toBe(true);
    expect(pings.length).toBeLessThan(120_000 / IDLEST_MS + IDLE_SHARE * 4);
    life.sound(1, 120_000);
    expect(life.poll(120_000 + QUIET_MS)).toBe("ping");
  });

  test("is not missed when the sound ends because nobody speaks any more", () => {
    const life = new Liveness(-2_000);
    life.voices(true, -1_000);
    life.sound(1, 0);
    life.voices(false, 100);
    life.sound(2, 200);
    expect(life.poll(200 + IDLE_MS - 1)).toBe("nothing");
    expect(life.poll(200 + IDLE_MS)).toBe("ping");
  });

  test("is missed when the sound ends while somebody speaks", () => {
    const life = new Liveness(-2_000);
    life.voices(true, -1_000);
    life.voices(false, -100);
    life.voices(true, -50);
    life.sound(1, 0);
    expect(life.poll(QUIET_MS)).toBe("ping");
  });

  test("is missed when sound ends of which nobody ever said that it was a voice", () => {
    const life = flowing();
    life.voices(false, 0);
    expect(life.poll(QUIET_MS)).toBe("ping");
  });

  test("is never asked for while sound flows", () => {
    const life = flowing();
    for (let now = 20; now < 5_000; now += 20) {
      life.sound(now, now);
      expect(life.poll(now)).toBe("nothing");
    }
  });

  test("is no sound that stands where it stood", () => {
    const life = flowing();
    life.sound(1, QUIET_MS);
    expect(life.poll(QUIET_MS)).toBe("ping");
  });
});

describe("a ping without an answer", () => {
  test("leads to a knock, again and again while the network is away", () => {
    const life = flowing();
    life.poll(QUIET_MS);
    const overdue = QUIET_MS + ANSWER_MS;
    life.poll(QUIET_MS + AGAIN_MS);
    expect(life.poll(overdue - 1)).toBe("nothing");
    expect(life.poll(overdue)).toBe("knock");
    expect(life.poll(overdue + KNOCK_EVERY_MS - 1)).toBe("nothing");
    expect(life.poll(overdue + KNOCK_EVERY_MS)).toBe("knock");
  });

  test("is followed by one more, so that a single lost packet is repeated in time", () => {
    const life = flowing();
    life.poll(QUIET_MS);
    expect(life.poll(QUIET_MS + AGAIN_MS - 1)).toBe("nothing");
    expect(life.poll(QUIET_MS + AGAIN_MS)).toBe("ping");
    expect(life.poll(QUIET_MS + 2 * AGAIN_MS)).toBe("nothing");
  });

  test("is waited for longer on a long way", () => {
    const life = flowing();
    life.roundTrip(200);
    life.poll(QUIET_MS);
    life.poll(QUIET_MS + AGAIN_MS);
    expect(life.poll(QUIET_MS + 599)).toBe("nothing");
    expect(life.poll(QUIET_MS + 600)).toBe("knock");
  });

  test("is waited for longer after answers that took long, until quick ones have come again", () => {
    const life = flowing();
    let now = 0;
    const answerAfter = (ms: number): void => {
      now += IDLEST_MS;
      expect(life.poll(now)).toBe("ping");
      now += ms;
      life.sign(now);
    };
    answerAfter(ANSWER_MS - 10);
    expect(life.poll(now + IDLEST_MS)).toBe("ping");
    expect(life.overdue(now + IDLEST_MS + 3 * (ANSWER_MS - 10) - 1)).toBe(false);
    expect(life.overdue(now + IDLEST_MS + 3 * (ANSWER_MS - 10))).toBe(true);
    now += IDLEST_MS;
    life.sign(now + 1);
    now += 1;
    for (let quick = 0; quick < 10; quick += 1) answerAfter(5);
    expect(life.poll(now + IDLEST_MS)).toBe("ping");
    expect(life.overdue(now + IDLEST_MS + ANSWER_MS)).toBe(true);
  });

  test("is waited for no longer after a network that was away", () => {
    const life = flowing();
    life.poll(QUIET_MS);
    life.sign(20_000);
    life.poll(20_000 + IDLEST_MS);
    expect(life.overdue(20_000 + IDLEST_MS + ANSWER_MS)).toBe(true);
  });

  test.each(["sign", "sound"] as const)("is forgotten with any %s of life", (kind) => {
    const life = flowing();
    life.poll(QUIET_MS);
    const late = QUIET_MS + ANSWER_MS;
    if (kind === "sign") life.sign(late);
    else life.sound(2, late);
    expect(life.overdue(late)).toBe(false);
    expect(life.poll(late)).toBe("nothing");
  });
});
