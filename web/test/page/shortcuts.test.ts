import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keyListener } from "../../src/page/shortcuts";

class Element {
  readonly isContentEditable: boolean = false;
}
class Editable extends Element {
  override readonly isContentEditable = true;
}
class TextArea extends Element {}
class Select extends Element {}
class Input extends Element {
  constructor(readonly type: string) {
    super();
  }
}

let pressed: string[];

beforeEach(() => {
  pressed = [];
  vi.stubGlobal("HTMLElement", Element);
  vi.stubGlobal("HTMLInputElement", Input);
  vi.stubGlobal("HTMLTextAreaElement", TextArea);
  vi.stubGlobal("HTMLSelectElement", Select);
});

afterEach(() => void vi.unstubAllGlobals());

function press(key: string, more: object = {}): void {
  const listener = keyListener({
    muteByKey: () => void pressed.push("mute"),
    deafenByKey: () => void pressed.push("deafen"),
  });
  listener({
    key,
    repeat: false,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    target: new Element(),
    ...more,
  } as unknown as KeyboardEvent);
}

describe("a key", () => {
  test("M mutes and D deafens, in either case", () => {
    for (const key of ["m", "M", "d", "D"]) press(key);
    expect(pressed).toEqual(["mute", "mute", "deafen", "deafen"]);
  });

  test.each(["x", "Enter", "constructor", "toString"])("%s does nothing", (key) => {
    press(key);
    expect(pressed).toEqual([]);
  });

  test.each(["ctrlKey", "altKey", "metaKey"])("with %s belongs to the browser", (modifier) => {
    press("d", { [modifier]: true });
    expect(pressed).toEqual([]);
  });

  test("that is held down counts once", () => {
    press("m");
    press("m", { repeat: true });
    expect(pressed).toEqual(["mute"]);
  });

  test.each<[string, Element]>([
    ["a text field", new Input("text")],
    ["a text area", new TextArea()],
    ["a choice", new Select()],
    ["text that can be edited", new Editable()],
  ])("in %s is typed", (_where, target) => {
    press("m", { target });
    expect(pressed).toEqual([]);
  });

  test.each(["range", "checkbox", "button", "submit"])(
    "on an input of type %s still counts: it takes no letters",
    (type) => {
      press("m", { target: new Input(type) });
      expect(pressed).toEqual(["mute"]);
    },
  );

  test("counts where nothing has the focus", () => {
    press("m", { target: null });
    expect(pressed).toEqual(["mute"]);
  });
});
