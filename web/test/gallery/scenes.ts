/** Views of made-up people, for looking at the page without a server. No part of the build. */

import { SpeakingHistory } from "../../src/page/history";
import { Palette } from "../../src/page/names";
import { EMPTY_VIEW, type Person, type View } from "../../src/page/view";
import { CLIENT_FAILURES, Failure } from "../../src/voice";

const LINK = "https://voice.example.org/#/friday-rehearsal";
const PALETTE = new Palette();
const NOW = 1_800_000_000_000;

function person(userId: bigint, name: string, more: Partial<Person> = {}): Person {
  return {
    userId,
    name,
    own: false,
    speaking: false,
    muted: false,
    deafened: false,
    listening: false,
    volume: 1,
    hue: PALETTE.hue(userId),
    ...more,
  };
}

const ME = person(8_123_456_789_012_345n, "Ada Lovelace", { own: true });
const BEN = person(8_123_456_789_012_346n, "Ben", { speaking: true });
const CHIARA = person(8_123_456_789_012_351n, "Chiara Okonkwo", { muted: true });

const LOBBY: View = { ...EMPTY_VIEW, channel: "friday-rehearsal", link: LINK };
const CALL: View = {
  ...LOBBY,
  stage: "call",
  name: "Ada Lovelace",
  connection: { phase: "joined", media: "connected" },
  quality: { loss: 0, rttMs: 23, jitterMs: 2 },
  people: [ME, BEN, CHIARA],
  microphones: [
    { id: "a", label: "Built-in microphone" },
    { id: "b", label: "USB condenser" },
  ],
  speakers: [
    { id: "c", label: "Built-in speakers" },
    { id: "d", label: "Headphones" },
  ],
  microphoneId: "b",
};

function lost(attempt: number, wasJoined: boolean): View["connection"] {
  const failure = new Failure(CLIENT_FAILURES.lost, "The connection to the server is gone.");
  return { phase: "reconnecting", failure, retryAt: NOW + 4_000, attempt, wasJoined };
}

function ended(identifier: string, sentence: string): View["connection"] {
  return { phase: "ended", failure: new Failure(identifier, sentence) };
}

const CROWD = ["Dmitri", "Eun-ji", "Farah", "Gustav Mahler-Werfel the Younger", "Hoa", "Íñigo", "李明", "Kofi"];

/** Every scene by its name. */
export const SCENES: Readonly<Record<string, View>> = {
  lobby: { ...LOBBY, name: "Ada Lovelace" },
  "lobby-empty": LOBBY,
  "lobby-insecure": { ...LOBBY, name: "Ada Lovelace", insecure: true },
  asking: { ...CALL, stage: "asking", people: [], connection: { phase: "idle" } },
  connecting: { ...CALL, people: [ME], connection: { phase: "connecting" } },
  alone: { ...CALL, people: [ME] },
  three: CALL,
  deafened: { ...CALL, muted: true, deafened: true, people: [{ ...ME, muted: true, deafened: true }, BEN, CHIARA] },
  crowd: {
    ...CALL,
    people: [
      ME,
      BEN,
      CHIARA,
      ...CROWD.map((name, i) => person(9_000_000_000_000_000n + BigInt(i), name, { volume: i === 2 ? 0.4 : 1 })),
    ],
  },
  reconnecting: { ...CALL, people: [ME, { ...BEN, speaking: false }, CHIARA], connection: lost(3, true) },
  "server-gone": { ...CALL, people: [ME], connection: lost(3, false) },
  blocked: { ...CALL, connection: { phase: "joined", media: "blocked" }, mediaAddresses: ["UDP 203.0.113.7:40000"] },
  denied: { ...CALL, microphoneProblem: "denied", people: [{ ...ME, listening: true }, BEN, CHIARA] },
  kicked: { ...LOBBY, name: "Ada Lovelace", connection: ended("hocket.kicked", "You were removed from the channel.") },
  elsewhere: {
    ...LOBBY,
    name: "Ada Lovelace",
    connection: ended("hocket.joined-elsewhere", "You joined from somewhere else."),
  },
  settings: { ...CALL, settingsOpen: true },
};

/** Voices in turn, up to now. */
export function madeUpHistory(): SpeakingHistory {
  const history = new SpeakingHistory();
  const now = performance.now();
  const say = (who: Person, from: number, to: number): void => {
    history.record(who.userId, true, now - from * 1_000);
    if (to > 0) history.record(who.userId, false, now - to * 1_000);
  };
  say(ME, 22, 18.5);
  say(CHIARA, 18, 16.8);
  say(BEN, 16.5, 12);
  say(ME, 11.6, 10.4);
  say(CHIARA, 10, 7);
  say(ME, 6.6, 4.4);
  say(BEN, 3.9, 0);
  return history;
}
