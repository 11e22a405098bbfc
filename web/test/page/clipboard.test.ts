import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { copyText } from "../../src/page/clipboard";

const LINK = "https://voice.example/#/lobby";

/** The page's text fields, and what the old way of copying copies: the text that is selected. */
class Field {
  readonly style: Record<string, string> = {};
  value = "";

  select(): void {
    selected = this.value;
  }

  remove(): void {
    fields.delete(this);
  }
}

let fields: Set<Field>;
let selected: string;
let clipboard: string;
let oldWayWorks: boolean;

beforeEach(() => {
  fields = new Set();
  selected = "";
  clipboard = "";
  oldWayWorks = true;
  vi.stubGlobal("document", {
    createElement: () => new Field(),
    body: { append: (field: Field) => void fields.add(field) },
    execCommand: () => {
      if (oldWayWorks) clipboard = selected;
      return oldWayWorks;
    },
  });
});

afterEach(() => void vi.unstubAllGlobals());

function browserWith(writeText: ((text: string) => Promise<void>) | undefined): void {
  vi.stubGlobal("navigator", writeText === undefined ? {} : { clipboard: { writeText } });
}

test("text is copied by the browser's own means", async () => {
  const copied: string[] = [];
  browserWith(async (text) => void copied.push(text));
  expect(await copyText(LINK)).toBe(true);
  expect(copied).toEqual([LINK]);
  expect(selected).toBe("");
});

test.each<[string, ((text: string) => Promise<void>) | undefined]>([
  ["on a page that is not secure", undefined],
  ["where the browser refuses", () => Promise.reject(new DOMException("no", "NotAllowedError"))],
])("text is copied from a field %s, which is gone afterwards", async (_where, writeText) => {
  browserWith(writeText);
  expect(await copyText(LINK)).toBe(true);
  expect(clipboard).toBe(LINK);
  expect(fields.size).toBe(0);
});

test("who is told that nothing was copied finds nothing left in the page", async () => {
  browserWith(undefined);
  oldWayWorks = false;
  expect(await copyText(LINK)).toBe(false);
  expect(fields.size).toBe(0);
});
