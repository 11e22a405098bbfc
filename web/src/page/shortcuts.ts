/** Keys of the call: M mutes, D deafens. Not while typing, and not with Ctrl, Alt or Meta, which belong to others. */
import { useEffect } from "preact/hooks";
import type { Actions } from "./view";

/** Elements in which letters mean something else. A range or a checkbox takes no letters. */
function takesLetters(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["range", "checkbox", "button", "submit"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** What is called with each key that is pressed. */
export function keyListener(actions: Pick<Actions, "muteByKey" | "deafenByKey">): (event: KeyboardEvent) => void {
  const keys: ReadonlyMap<string, () => void> = new Map([
    ["m", () => actions.muteByKey()],
    ["d", () => actions.deafenByKey()],
  ]);
  return (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || takesLetters(event.target)) return;
    keys.get(event.key.toLowerCase())?.();
  };
}

export function useShortcuts(actions: Actions, active: boolean): void {
  useEffect(() => {
    if (!active) return undefined;
    const pressed = keyListener(actions);
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [actions, active]);
}
