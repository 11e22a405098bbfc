/** Views of made-up people, for looking at the page without a server. No part of the build. */

import { SpeakingHistory } from "../../src/page/history";
import { Palette } from "../../src/page/names";
import { EMPTY_VIEW, type Person, type View } from "../../src/page/view";
import { CLIENT_FAILURES, CLIENT_NOTICES, Failure, type MicrophoneProblem } from "../../src/voice";

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

function ended(identifier: string, sentence: string): View {
  return { ...LOBBY, name: "Ada Lovelace", connection: { phase: "ended", failure: new Failure(identifier, sentence) } };
}

/** In the call, unable to speak. */
function listener(more: Partial<View>): View {
  return { ...CALL, people: [{ ...ME, listening: true }, BEN, CHIARA], ...more };
}

function noted(code: string, text: string): View {
  return { ...CALL, note: { code, text } };
}

const WITHOUT_MICROPHONE: Readonly<Record<`microphone-${MicrophoneProblem}`, View>> = {
  "microphone-insecure": listener({ microphoneProblem: "insecure", insecure: true }),
  "microphone-denied": listener({ microphoneProblem: "denied" }),
  "microphone-missing": listener({ microphoneProblem: "missing" }),
  "microphone-busy": listener({ microphoneProblem: "busy" }),
  "microphone-unsupported": listener({ microphoneProblem: "unsupported" }),
};

const ENDED: Readonly<Record<string, View>> = {
  kicked: ended("hocket.kicked", "You were removed from the channel."),
  elsewhere: ended("hocket.joined-elsewhere", "You joined from somewhere else."),
  "not-let-in": ended("hocket.permission-denied", "You may not join this channel."),
  unknown: ended("hocket.unauthenticated", "Sign in first."),
  "link-refused": { ...ended("hocket.unauthenticated", "Sign in first."), hasToken: true },
  "old-browser": ended(CLIENT_FAILURES.unsupported, "This browser has no WebRTC."),
  "ended-otherwise": ended("hocket.invalid-parameters", "rtp_paramaters.codecs[0].payloadType: is no number"),
};

const CROWD = ["Dmitri", "Eun-ji", "Farah", "Gustav Mahler-Werfel the Younger", "Hoa", "Íñigo", "李明", "Kofi"];

/** Every scene by its name. */
export const SCENES: Readonly<Record<string, View>> = {
  lobby: { ...LOBBY, name: "Ada Lovelace" },
  "lobby-empty": LOBBY,
  "lobby-invited": { ...LOBBY, hasToken: true },
  "lobby-insecure": { ...LOBBY, name: "Ada Lovelace", insecure: true },
  asking: { ...CALL, stage: "asking", people: [], connection: { phase: "idle" } },
  connecting: { ...CALL, people: [ME], connection: { phase: "connecting" } },
  alone: { ...CALL, people: [ME] },
  three: CALL,
  muted: { ...CALL, muted: true, people: [{ ...ME, muted: true }, BEN, CHIARA] },
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
  "sound-connecting": { ...CALL, connection: { phase: "joined", media: "connecting" } },
  interrupted: { ...CALL, connection: { phase: "joined", media: "interrupted" } },
  weak: { ...CALL, quality: { loss: 0.08, rttMs: 430, jitterMs: 31 } },
  blocked: { ...CALL, connection: { phase: "joined", media: "blocked" }, mediaAddresses: ["UDP 203.0.113.7:40000"] },
  "sound-held-back": { ...CALL, soundHeldBack: true },
  ...WITHOUT_MICROPHONE,
  "may-not-speak": listener({ maySpeak: false }),
  "muted-by-moderator": listener({
    maySpeak: false,
    muted: true,
    note: { code: CLIENT_NOTICES.muted, text: "A moderator muted you." },
  }),
  "may-speak-again": {
    ...noted(CLIENT_NOTICES.maySpeakAgain, "You may speak again. Your microphone is still off."),
    muted: true,
    people: [{ ...ME, muted: true }, BEN, CHIARA],
  },
  notice: noted("hocket.notice", "The server restarts at ten. You will be back by yourself."),
  copied: { ...CALL, copied: true },
  settings: { ...CALL, settingsOpen: true },
  "settings-without-speakers": { ...CALL, settingsOpen: true, canChooseSpeaker: false },
  ...ENDED,
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
