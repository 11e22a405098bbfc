import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Model } from "../../src/page/model";
import { CLIENT_NOTICES } from "../../src/voice";
import type { FakeTab } from "../support/browser";
import { openPage, PAGE, settle } from "../support/page";
import { consumable, FakeServer } from "../support/server";

const BEN = 2n;

let server: FakeServer;
let tab: FakeTab;
let model: Model;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});

afterEach(() => {
  model.actions.leave();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Opens the page; with a former tab, as a reload of it. */
function open(href?: string, former?: FakeTab): void {
  ({ tab, model } = openPage(server, href, former));
}

async function join(): Promise<void> {
  model.actions.join();
  await settle();
}

/** What screen readers are told from now on. */
function spoken(): string[] {
  const said: string[] = [];
  let last = model.store.value.announcement;
  model.store.subscribe(() => {
    const { announcement } = model.store.value;
    if (announcement !== last) said.push(announcement);
    last = announcement;
  });
  return said;
}

const view = () => model.store.value;
const tokenSent = (): string => decodeURIComponent(server.last.protocols[1] ?? "");

describe("who this is", () => {
  test("without a token is the tab's own id and the name that was typed", async () => {
    open();
    model.actions.setName("Ada");
    await join();
    expect(tokenSent()).toBe(`${tab.session.getItem("hocket.user-id")}:Ada`);
    expect(view().hasToken).toBe(false);
  });

  test("is said by the link's token, whatever name was typed at an earlier visit", async () => {
    open(`${PAGE}#/friday&token=eyJ0.eyJp.c2ln`);
    model.actions.setName("Ada");
    await join();
    expect(tokenSent()).toBe("eyJ0.eyJp.c2ln");
    expect(view().hasToken).toBe(true);
    expect(view().channel).toBe("friday");
  });

  test("stays the same after a reload, and in each stream", async () => {
    open(`${PAGE}#/friday&token=secret`);
    open(tab.href, tab);
    await join();
    server.last.fail("hrpc.unavailable", "Back in a moment.");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.connections.length).toBeGreaterThan(1);
    expect(new Set(server.connections.map(({ protocols }) => protocols[1]))).toEqual(new Set(["secret"]));
  });

  test("is forgotten with the tab: another one is a guest again", async () => {
    open(`${PAGE}#/friday&token=secret`);
    open(tab.href);
    expect(view().hasToken).toBe(false);
  });

  test("changes with another invitation in the same tab, which ends the call", async () => {
    open(`${PAGE}#/friday&token=secret`);
    await join();
    expect(view().stage).toBe("call");
    tab.follow("#/friday&token=other");
    expect(view().stage).toBe("lobby");
    await join();
    expect(tokenSent()).toBe("other");
  });
});

describe("a token", () => {
  test("stands neither in the address bar nor in the link that is copied", async () => {
    open(`${PAGE}#/friday&token=secret`);
    expect(tab.href).toBe(`${PAGE}#/friday`);
    model.actions.copyLink();
    await join();
    tab.follow("#/monday&token=secret");
    model.actions.copyLink();
    await settle();
    expect(tab.copied).toEqual([`${PAGE}#/friday`, `${PAGE}#/monday`]);
    expect(tab.href).toBe(`${PAGE}#/monday`);
  });

  test("is kept for the tab and never where other tabs and later visits see it", async () => {
    open(`${PAGE}#/friday&token=secret`);
    await join();
    expect([...tab.local.kept.values()].join()).not.toContain("secret");
  });

  test("that the server does not accept brings back the lobby", async () => {
    open(`${PAGE}#/friday&token=secret`);
    await join();
    server.last.fail("hocket.unauthenticated");
    expect(view().stage).toBe("lobby");
    expect(view().connection).toMatchObject({ phase: "ended", failure: { identifier: "hocket.unauthenticated" } });
  });
});

describe("a key", () => {
  test("that mutes is announced, and so is the one that deafens", async () => {
    open();
    await join();
    const said = spoken();
    model.actions.muteByKey();
    model.actions.muteByKey();
    model.actions.muteByKey();
    model.actions.deafenByKey();
    model.actions.deafenByKey();
    expect(said).toEqual([
      "Muted.",
      "Unmuted.",
      "Muted.",
      "Deafened: you hear nobody, and nobody hears you.",
      "You hear the others again. You are still muted.",
    ]);
  });

  test("does nothing where its button is disabled, and says why", async () => {
    open();
    tab.microphoneError = new DOMException("no", "NotFoundError");
    await join();
    const said = spoken();
    model.actions.muteByKey();
    expect(view().muted).toBe(false);
    expect(said).toEqual(["You have no microphone to mute."]);
  });

  test("does not unmute whom the channel does not let speak", async () => {
    open();
    await join();
    server.last.tell({ case: "participant", value: { userId: 1n, muted: true, maySpeak: false } });
    expect(view()).toMatchObject({ maySpeak: false, muted: true });
    model.actions.muteByKey();
    expect(view().muted).toBe(true);
    expect(view().announcement).toBe("You may not speak here.");
  });
});

describe("a call that ends", () => {
  test.each([
    ["hocket.kicked", "You were removed from the channel."],
    ["hocket.joined-elsewhere", "You joined in another window."],
  ])("with %s is announced, as the lobby's alert appears already filled", async (identifier, beginning) => {
    open();
    await join();
    server.last.fail(identifier, "Raw.");
    expect(view().announcement.startsWith(beginning)).toBe(true);
  });

  test("because its person left is no news", async () => {
    open();
    await join();
    const said = spoken();
    model.actions.leave();
    expect(said).toEqual([]);
  });
});

describe("the way into a call", () => {
  test("waits while the browser asks for the microphone, and says where one has come", async () => {
    open(`${PAGE}#/friday`);
    let allow = (): void => undefined;
    tab.permission = new Promise((resolve) => {
      allow = resolve;
    });
    await join();
    expect(view().stage).toBe("asking");
    expect(server.connections).toEqual([]);
    allow();
    await settle();
    expect(view()).toMatchObject({
      stage: "call",
      connection: { phase: "joined" },
      announcement: "You are in friday.",
    });
  });

  test("ends when its person leaves while the browser still asks: the microphone is given back", async () => {
    open();
    let allow = (): void => undefined;
    tab.permission = new Promise((resolve) => {
      allow = resolve;
    });
    await join();
    model.actions.leave();
    allow();
    await settle();
    expect(view().stage).toBe("lobby");
    expect(server.connections).toEqual([]);
    expect(tab.opened.map(({ readyState }) => readyState)).toEqual(["ended"]);
  });

  test("leads into the lobby channel if no channel is named", async () => {
    open(PAGE);
    model.actions.setChannel("  ");
    await join();
    expect(view().channel).toBe("lobby");
    expect(tab.href).toBe(`${PAGE}#/lobby`);
  });

  test("does not begin for a number that no channel can have", async () => {
    open();
    model.actions.setChannel("99999999999999999999");
    await join();
    expect(view().stage).toBe("lobby");
    expect(server.connections).toEqual([]);
  });
});

describe("people", () => {
  test("who come and go are announced by name", async () => {
    open();
    await join();
    const said = spoken();
    server.last.respond({ case: "userJoined", value: { data: consumable({ userId: BEN, consumerId: "c-ben" }) } });
    server.last.tell({ case: "participant", value: { userId: BEN, name: "Ben", maySpeak: true } });
    await settle();
    server.last.respond({ case: "userLeft", value: { userId: BEN } });
    expect(said).toEqual(["Guest 0002 joined.", "Ben left."]);
    expect(view().people.map(({ own }) => own)).toEqual([true]);
  });

  test("start with oneself, under the typed name until the server says another", async () => {
    open();
    model.actions.setName("ada");
    server.extension = false;
    await join();
    expect(view().people[0]).toMatchObject({
      own: true,
      name: "ada",
      userId: BigInt(tab.session.getItem("hocket.user-id") ?? 0),
    });
    server.last.tell({ case: "welcome", value: { version: 1, userId: 1n, name: "Ada L." } });
    expect(view().people[0]).toMatchObject({ own: true, name: "Ada L.", userId: 1n });
  });

  test("with a token start with “You” until the server says the name", async () => {
    open(`${PAGE}#token=secret`);
    server.extension = false;
    await join();
    expect(view().people[0]?.name).toBe("You");
  });
});

describe("a note", () => {
  test("is shown and announced, and gone once it is closed", async () => {
    open();
    await join();
    server.last.tell({ case: "notice", value: { code: "hocket.notice", text: "We restart at ten." } });
    expect(view().note).toEqual({ code: "hocket.notice", text: "We restart at ten." });
    expect(view().announcement).toBe("We restart at ten.");
    model.actions.closeNote();
    expect(view().note).toBeUndefined();
  });

  test("about a moderator's mute has been read by whoever speaks again", async () => {
    open();
    await join();
    server.last.tell({ case: "participant", value: { userId: 1n, muted: true, maySpeak: true } });
    expect(view()).toMatchObject({ muted: true, note: { code: CLIENT_NOTICES.muted } });
    model.actions.toggleMuted();
    expect(view()).toMatchObject({ muted: false, note: undefined });
  });

  test("from before a lost connection is out of date in the next", async () => {
    open();
    await join();
    server.last.tell({ case: "notice", value: { code: "hocket.notice", text: "We restart now." } });
    server.last.fail("hrpc.unavailable");
    expect(view().note).toBeDefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(view().connection.phase).toBe("joined");
    expect(view().note).toBeUndefined();
  });
});

describe("the call", () => {
  test("says when the browser holds back the sound, and plays it after a click", async () => {
    open();
    tab.playError = new DOMException("no click yet", "NotAllowedError");
    server.others = [{ userId: BEN, consumerId: "c-ben" }];
    await join();
    expect(view().soundHeldBack).toBe(true);
    tab.playError = undefined;
    model.actions.playSound();
    await settle();
    expect(view().soundHeldBack).toBe(false);
  });

  test("ends with its settings closed", async () => {
    open();
    await join();
    model.actions.openSettings(true);
    server.last.fail("hocket.kicked");
    expect(view()).toMatchObject({ stage: "lobby", settingsOpen: false, people: [] });
  });

  test("ends when a link to another channel is followed, and not when it is the same", async () => {
    open();
    await join();
    tab.follow("#/lobby");
    expect(view().stage).toBe("call");
    tab.follow("#/friday");
    expect(view()).toMatchObject({ stage: "lobby", channel: "friday", link: `${PAGE}#/friday` });
  });

  test("ends with the page, so that nobody stays as a ghost", async () => {
    open();
    await join();
    tab.window.dispatchEvent(new Event("pagehide"));
    expect(server.last.closedWith).toBe(1000);
  });

  test.each<[string, () => EventTarget, string]>([
    ["the network is back", () => tab.window, "online"],
    ["the page is looked at again", () => tab.document, "visibilitychange"],
  ])("tries at once when %s", async (_when, target, event) => {
    open();
    await join();
    server.arrival = (connection) => queueMicrotask(() => connection.drop());
    server.last.drop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(view().connection).toMatchObject({ phase: "reconnecting", wasJoined: true });
    server.arrival = (connection) => queueMicrotask(() => connection.accept());
    target().dispatchEvent(new Event(event));
    await settle();
    expect(view().connection.phase).toBe("joined");
  });
});

test("a link that was copied says so for two and a half seconds", async () => {
  open();
  model.actions.copyLink();
  await settle();
  expect(view()).toMatchObject({ copied: true, announcement: "Link copied." });
  vi.advanceTimersByTime(2_499);
  expect(view().copied).toBe(true);
  vi.advanceTimersByTime(1);
  expect(view().copied).toBe(false);
});
