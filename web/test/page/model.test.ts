import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Model } from "../../src/page/model";
import type { FakeTab } from "../support/browser";
import { openPage, PAGE, settle } from "../support/page";
import { FakeServer } from "../support/server";

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
