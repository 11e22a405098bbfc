/** What the browser remembers of a person. Storage may be forbidden or full; then nothing is remembered. */
import type { KeyValueStore } from "../voice/identity";

/** A browser's store that never throws; without one, a store that lasts as long as the page. */
export function safeStore(open: () => Storage): KeyValueStore {
  const memory = new Map<string, string>();
  const attempt = <Result>(action: (storage: Storage) => Result): Result | undefined => {
    try {
      return action(open());
    } catch {
      return undefined;
    }
  };
  return {
    getItem: (key) => attempt((storage) => storage.getItem(key)) ?? memory.get(key) ?? null,
    setItem: (key, value) => {
      memory.set(key, value);
      attempt((storage) => storage.setItem(key, value));
    },
  };
}

/** Names of what is remembered, under `hocket.` in localStorage. */
type Key = "name" | "channel" | "microphone" | "speaker" | "processing";

export class Preferences {
  constructor(readonly store: KeyValueStore) {}

  get(key: Key): string {
    return this.store.getItem(`hocket.${key}`) ?? "";
  }

  set(key: Key, value: string): void {
    this.store.setItem(`hocket.${key}`, value);
  }
}
