/**
 * Which connection state the page's words tell. Sound that connects in no time is not worth a word: a line that flashes is
 * seen without being read, and a screen reader reads it out when it is over. Until it takes long, the state before stands.
 */
import type { ConnectionState } from "../voice";

/** A connection that takes less than this looks as if it had always been there. Usual: about 100 ms. */
export const UNTOLD_MS = 300;

/** Passes connection states on, and holds back "connecting the sound" for UNTOLD_MS. */
export class ToldConnection {
  #told: ConnectionState;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param tell takes each state that the words are to tell from now on. */
  constructor(
    first: ConnectionState,
    private readonly tell: (state: ConnectionState) => void,
  ) {
    this.#told = first;
  }

  /** The connection's state at this moment. */
  update(state: ConnectionState): void {
    if (!connectsSound(state) || connectsSound(this.#told)) this.#pass(state);
    else this.#timer ??= setTimeout(() => this.#pass(state), UNTOLD_MS);
  }

  #pass(state: ConnectionState): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = state;
    this.tell(state);
  }
}

function connectsSound(state: ConnectionState): boolean {
  return state.phase === "joined" && state.media === "connecting";
}
