import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Event_ParticipantSchema } from "../../src/gen/hocket/voice/v1/extension_pb";
import { Roster } from "../../src/voice/roster";

const ADA = 2n ** 63n + 1n;
const BEN = 2n;
const CHIARA = 3n;

function describeAda(roster: Roster, speaking = true): void {
  roster.describe(create(Event_ParticipantSchema, { userId: ADA, name: "Ada", speaking, maySpeak: true }));
}

describe("the roster", () => {
  test("keeps the order in which people came", () => {
    const roster = new Roster();
    roster.enter([CHIARA, ADA]);
    roster.join(BEN);
    describeAda(roster);
    expect([...roster.people.keys()]).toEqual([CHIARA, ADA, BEN]);
  });

  test("replaces all that was known of a person by what is told", () => {
    const roster = new Roster();
    roster.join(ADA);
    describeAda(roster);
    expect(roster.people.get(ADA)).toEqual({
      userId: ADA,
      name: "Ada",
      muted: false,
      deafened: false,
      speaking: true,
      maySpeak: true,
    });
  });

  test("forgets who left", () => {
    const roster = new Roster();
    roster.enter([ADA, BEN]);
    roster.leave(ADA);
    expect([...roster.people.keys()]).toEqual([BEN]);
  });

  test("keeps names over a reconnect, drops who is gone and lets nobody speak yet", () => {
    const roster = new Roster();
    roster.enter([ADA, BEN]);
    describeAda(roster);
    roster.enter([CHIARA, ADA]);
    expect([...roster.people.values()].map(({ userId, name, speaking }) => [userId, name, speaking])).toEqual([
      [CHIARA, "", false],
      [ADA, "Ada", false],
    ]);
  });

  test("lets nobody speak while the stream is gone", () => {
    const roster = new Roster();
    describeAda(roster);
    roster.silence();
    expect(roster.people.get(ADA)?.speaking).toBe(false);
  });

  test("is a new map after each change and the same one without", () => {
    const roster = new Roster();
    roster.join(ADA);
    const before = roster.people;
    roster.leave(BEN);
    roster.join(ADA);
    expect(roster.people).toBe(before);
    roster.join(BEN);
    expect(roster.people).not.toBe(before);
    expect(before.size).toBe(1);
  });
});
