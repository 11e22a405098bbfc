import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Model } from "../../src/page/model";
import { Preferences } from "../../src/page/preferences";
import { audioDevices, openMicrophone } from "../../src/voice";
import { type FakeAudio, type FakeTab, MemoryStorage } from "../support/browser";
import { openPage, settle } from "../support/page";
import { FakeServer } from "../support/server";

const BEN = 2n;
const DEVICES = [
  { kind: "audioinput", deviceId: "default", label: "Default" },
  { kind: "audioinput", deviceId: "usb", label: "USB condenser" },
  { kind: "audioinput", deviceId: "plain", label: "" },
  { kind: "audiooutput", deviceId: "headphones", label: "Headphones" },
  { kind: "videoinput", deviceId: "camera", label: "Camera" },
] as const;

let server: FakeServer;
let tab: FakeTab;
let model: Model;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  ({ tab, model } = openPage(server));
});

afterEach(() => {
  model.actions.leave();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function join(): Promise<void> {
  model.actions.join();
  await settle();
}

const view = () => model.store.value;

describe("what is remembered", () => {
  test("is a text for each key, empty until it is set", () => {
    const preferences = new Preferences(new MemoryStorage());
    expect(preferences.get("microphone")).toBe("");
    preferences.set("microphone", "usb");
    expect(preferences.get("microphone")).toBe("usb");
    expect(preferences.get("speaker")).toBe("");
  });

  test("is there at the next visit: name, channel, devices and voice processing", async () => {
    model.actions.setName(" Ada\n");
    model.actions.setChannel("Friday Rehearsal");
    model.actions.chooseMicrophone("usb");
    model.actions.chooseSpeaker("headphones");
    model.actions.setProcessing(false);
    await join();
    model.actions.leave();
    ({ tab, model } = openPage(server, "https://voice.example/mounted/here/", tab));
    expect(view()).toMatchObject({
      name: "Ada",
      channel: "friday-rehearsal",
      microphoneId: "usb",
      speakerId: "headphones",
      processing: false,
    });
  });
});

describe("a microphone", () => {
  test.each([true, false])("is cleaned up as a whole or not at all (%s)", async (processing) => {
    await openMicrophone({ deviceId: "", processing });
    expect(tab.asked).toEqual([
      { echoCancellation: processing, noiseSuppression: processing, autoGainControl: processing, channelCount: 1 },
    ]);
  });

  test("that is chosen is insisted upon, or Chromium opens its own favourite", async () => {
    const { track } = await openMicrophone({ deviceId: "usb", processing: true });
    expect(tab.asked.map(({ deviceId }) => deviceId)).toEqual([{ exact: "usb" }]);
    expect(track).toBe(tab.opened[0]);
  });

  test("that was chosen and is unplugged by now gives way to the system's choice", async () => {
    tab.unplugged.add("usb");
    const { track } = await openMicrophone({ deviceId: "usb", processing: true });
    expect(tab.asked.map(({ deviceId }) => deviceId)).toEqual([{ exact: "usb" }, undefined]);
    expect(track).toBe(tab.opened[0]);
  });

  test("on a page that is not secure is not even asked for", async () => {
    vi.stubGlobal("isSecureContext", false);
    expect(await openMicrophone({ deviceId: "", processing: true })).toEqual({ track: null, problem: "insecure" });
    expect(tab.asked).toEqual([]);
  });

  test("that is chosen in the call takes the place of the former, which is given back", async () => {
    await join();
    model.actions.chooseMicrophone("usb");
    await settle();
    expect(tab.asked.map(({ deviceId }) => deviceId)).toEqual([undefined, { exact: "usb" }]);
    expect(tab.opened.map(({ readyState }) => readyState)).toEqual(["ended", "live"]);
    expect(model.microphone.track).toBe(tab.opened[1]);
    expect(server.connections).toHaveLength(1);
  });

  test("is given back when the call is over", async () => {
    await join();
    server.last.fail("hocket.kicked");
    expect(tab.opened.map(({ readyState }) => readyState)).toEqual(["ended"]);
  });

  test("that is unplugged is forgotten, and the system's choice goes on", async () => {
    model.actions.chooseMicrophone("usb");
    await join();
    tab.opened[0]?.remoteStop();
    await settle();
    expect(tab.asked.map(({ deviceId }) => deviceId)).toEqual([{ exact: "usb" }, undefined]);
    expect(view().microphoneId).toBe("");
    expect(tab.local.getItem("hocket.microphone")).toBe("");
    expect(model.microphone.track).toBe(tab.opened[1]);
  });

  test("that works at the second try lets a listener speak", async () => {
    tab.microphoneError = new DOMException("taken", "NotReadableError");
    await join();
    expect(view()).toMatchObject({ stage: "call", microphoneProblem: "busy" });
    expect(view().people[0]?.listening).toBe(true);
    tab.microphoneError = undefined;
    model.actions.retryMicrophone();
    await settle();
    expect(view().microphoneProblem).toBeUndefined();
    expect(view().people[0]?.listening).toBe(false);
    expect(model.client.self.listening).toBe(false);
  });
});

describe("a speaker", () => {
  test("that was chosen at an earlier visit plays whoever comes", async () => {
    server.others = [{ userId: BEN, consumerId: "c-ben" }];
    model.actions.chooseSpeaker("headphones");
    ({ tab, model } = openPage(server, undefined, tab));
    tab.speakers = ["", "headphones"];
    await join();
    expect((model.playback.element(BEN) as unknown as FakeAudio).sinkId).toBe("headphones");
  });

  test("that is chosen in the call moves everyone there", async () => {
    server.others = [{ userId: BEN, consumerId: "c-ben" }];
    tab.speakers = ["", "headphones"];
    await join();
    model.actions.chooseSpeaker("headphones");
    await settle();
    expect((model.playback.element(BEN) as unknown as FakeAudio).sinkId).toBe("headphones");
  });
});

describe("the devices to choose from", () => {
  test("are microphones and speakers, but for the system's choice, which has its own line", async () => {
    tab.devices = [...DEVICES];
    expect(await audioDevices()).toEqual({
      microphones: [
        { id: "usb", label: "USB condenser" },
        { id: "plain", label: "Unnamed device" },
      ],
      speakers: [{ id: "headphones", label: "Headphones" }],
    });
  });

  test("are none before the page may use the microphone: browsers then tell no ids", async () => {
    tab.devices = DEVICES.map(({ kind }) => ({ kind, deviceId: "", label: "" }));
    expect(await audioDevices()).toEqual({ microphones: [], speakers: [] });
  });

  test("are listed anew when one is plugged in", async () => {
    await join();
    expect(view().microphones).toEqual([]);
    tab.devices = [...DEVICES];
    tab.mediaDevices.dispatchEvent(new Event("devicechange"));
    await settle();
    expect(view().microphones.map(({ id }) => id)).toEqual(["usb", "plain"]);
  });
});
