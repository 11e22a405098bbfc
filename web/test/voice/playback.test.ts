import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Playback, type VoiceClient, type VoiceClientEvents } from "../../src/voice";
import { Emitter } from "../../src/voice/emitter";
import { type FakeAudio, FakeTab } from "../support/browser";

const BEN = 2n;
const CHIARA = 2n ** 64n - 1n;

/** As much of a client as is played: what it tells. */
class Voices extends Emitter<VoiceClientEvents> {
  hear(userId: bigint): MediaStreamTrack {
    const track = new FakeMediaStreamTrack({ kind: "audio" }) as MediaStreamTrack;
    this.emit("track", userId, track);
    return track;
  }

  lose(userId: bigint): void {
    this.emit("track", userId, null);
  }

  deafen(deafened: boolean): void {
    this.emit("self", {
      userId: 1n,
      name: "Ada",
      muted: false,
      deafened,
      speaking: false,
      maySpeak: true,
      listening: false,
    });
  }
}

let tab: FakeTab;
let voices: Voices;
let playback: Playback;
let blocked: boolean[];

beforeEach(() => {
  tab = new FakeTab("https://voice.example/");
  tab.install();
  voices = new Voices();
  playback = new Playback(voices as unknown as VoiceClient);
  blocked = [];
  playback.on("blocked", (is) => blocked.push(is));
});

afterEach(() => void vi.unstubAllGlobals());

const element = (userId: bigint) => playback.element(userId) as unknown as FakeAudio;

/** Lets promises settle that need no timer. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a person who is heard", () => {
  test("has an element in the page that plays their track", async () => {
    const track = voices.hear(BEN);
    await settle();
    expect(tab.elements).toEqual([element(BEN)]);
    expect(element(BEN).playing).toBe(true);
    expect(element(BEN).srcObject?.tracks).toEqual([track]);
    expect(playback.track(BEN)).toBe(track);
  });

  test("keeps the element through a reconnect, and with it the permission to play", () => {
    voices.hear(BEN);
    const before = element(BEN);
    const track = voices.hear(BEN);
    expect(element(BEN)).toBe(before);
    expect(before.srcObject?.tracks).toEqual([track]);
    expect(tab.elements).toHaveLength(1);
  });

  test("leaves nothing behind", () => {
    voices.hear(BEN);
    const before = element(BEN);
    voices.lose(BEN);
    expect(tab.elements).toEqual([]);
    expect(before.srcObject).toBeNull();
    expect(playback.element(BEN)).toBeUndefined();
    expect(playback.track(BEN)).toBeUndefined();
    voices.lose(BEN);
  });
});

describe("a volume", () => {
  test("is one person's alone", () => {
    voices.hear(BEN);
    voices.hear(CHIARA);
    playback.setVolume(BEN, 0.25);
    expect([element(BEN).volume, element(CHIARA).volume]).toEqual([0.25, 1]);
    expect([playback.volume(BEN), playback.volume(CHIARA)]).toEqual([0.25, 1]);
  });

  test("waits for whoever comes back", () => {
    voices.hear(BEN);
    playback.setVolume(BEN, 0.25);
    voices.lose(BEN);
    expect(playback.volume(BEN)).toBe(0.25);
    voices.hear(BEN);
    expect(element(BEN).volume).toBe(0.25);
  });

  test.each([
    [-1, 0],
    [0, 0],
    [1.5, 1],
  ])("of %d is %d: elements take nothing outside 0 to 1", (wanted, given) => {
    voices.hear(BEN);
    playback.setVolume(BEN, wanted);
    expect(element(BEN).volume).toBe(given);
  });
});

describe("who deafens", () => {
  test("hears neither those who are there nor those who come", () => {
    voices.hear(BEN);
    voices.deafen(true);
    voices.hear(CHIARA);
    expect([element(BEN).muted, element(CHIARA).muted]).toEqual([true, true]);
  });

  test("hears all of them afterwards, each as loud as before", () => {
    voices.hear(BEN);
    playback.setVolume(BEN, 0.5);
    voices.deafen(true);
    voices.deafen(false);
    expect([element(BEN).muted, element(BEN).volume]).toEqual([false, 0.5]);
  });
});

describe("sound that the browser holds back", () => {
  test("is told, and plays after a click", async () => {
    tab.playError = new DOMException("no click yet", "NotAllowedError");
    voices.hear(BEN);
    await settle();
    expect(blocked).toEqual([true]);
    tab.playError = undefined;
    await playback.resume();
    expect(blocked).toEqual([true, false]);
    expect(element(BEN).playing).toBe(true);
  });

  test("is not what happens when the next track comes before the first one plays", async () => {
    tab.playError = new DOMException("another source", "AbortError");
    voices.hear(BEN);
    await settle();
    expect(blocked).toEqual([]);
  });
});

describe("a speaker", () => {
  test("that is chosen plays everyone, also those who come later", async () => {
    tab.speakers = ["", "headphones"];
    voices.hear(BEN);
    await playback.setSpeaker("headphones");
    voices.hear(CHIARA);
    await settle();
    expect([element(BEN).sinkId, element(CHIARA).sinkId]).toEqual(["headphones", "headphones"]);
  });

  test("that is unplugged leaves the sound where it is", async () => {
    voices.hear(BEN);
    await playback.setSpeaker("gone");
    expect([element(BEN).sinkId, element(BEN).playing]).toEqual(["", true]);
  });

  test("can be chosen only where the browser lets pages choose", async () => {
    expect(Playback.canChooseSpeaker).toBe(true);
    vi.stubGlobal("HTMLMediaElement", class {});
    expect(Playback.canChooseSpeaker).toBe(false);
    tab.speakers = ["", "headphones"];
    voices.hear(BEN);
    await playback.setSpeaker("headphones");
    expect(element(BEN).sinkId).toBe("");
  });
});
