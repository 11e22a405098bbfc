/** The least that a page needs of state: one immutable value, told to whoever subscribed when it is replaced. */
import { useEffect, useState } from "preact/hooks";

export class Store<State extends object> {
  readonly #listeners = new Set<() => void>();

  constructor(private state: State) {}

  get value(): State {
    return this.state;
  }

  /** Replaces some members. Nothing is told if none of them changes. */
  set(change: Partial<State>): void {
    const changed = Object.entries(change).some(([key, value]) => this.state[key as keyof State] !== value);
    if (!changed) return;
    this.state = { ...this.state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

/** The state, and a new rendering whenever it changes. */
export function useStore<State extends object>(store: Store<State>): State {
  const [state, setState] = useState(store.value);
  useEffect(() => {
    setState(store.value);
    return store.subscribe(() => setState(store.value));
  }, [store]);
  return state;
}
