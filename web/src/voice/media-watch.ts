/**
 * Whether sound gets through, and when to repair it. Pure: transport states and time in, a verdict out.
 *
 * A transport that was connected and is no longer gets an ICE restart at once and every 3 s; after 12 s the whole stream
 * is made anew. One that never connected within 10 s is blocked, most likely by a firewall; that is told, and
 * tried again every 10 s, since people change networks.
 */

/** The transport on which we send, and the one on which we receive. */
export type Direction = "sending" | "receiving";

/** State of a transport, as mediasoup-client tells it. */
export type TransportState = "new" | "connecting" | "connected" | "failed" | "disconnected" | "closed";

/**
 * How the sound does: `idle` = nothing to connect (a listener alone), `connecting`, `connected`, `interrupted` = was
 * connected and is being repaired, `blocked` = never got through.
 */
export type MediaState = "idle" | "connecting" | "connected" | "interrupted" | "blocked";

/** What to do now. */
export interface Verdict {
  readonly state: MediaState;
  /** Transports that want an ICE restart now. */
  readonly restart: readonly Direction[];
  /** The stream is to be made anew. */
  readonly rejoin: boolean;
}

export const BLOCKED_AFTER_MS = 10_000;
export const REJOIN_AFTER_MS = 12_000;
const RESTART_EVERY_MS = { interrupted: 3_000, blocked: 10_000 } as const;

interface Watched {
  state: TransportState;
  /** Since when it is not connected, in ms of the caller's clock. */
  downSince: number;
  wasConnected: boolean;
  restartedAt: number;
  /** A restart is wanted now, whatever the interval. */
  due: boolean;
}

/** Watches the two transports of one stream. */
export class MediaWatch {
  readonly #transports = new Map<Direction, Watched>();

  /** A transport changed its state. `now` in ms, of any monotonic clock. */
  update(direction: Direction, state: TransportState, now: number): void {
    const known = this.#transports.get(direction);
    if (state === "new" || state === "closed") return;
    const wasUp = known?.state === "connected";
    this.#transports.set(direction, {
      state,
      downSince: known === undefined || wasUp ? now : known.downSince,
      wasConnected: (known?.wasConnected ?? false) || state === "connected",
      restartedAt: known?.restartedAt ?? now,
      due: wasUp && state !== "connected",
    });
  }

  /** The network changed under us: restart whatever runs, without waiting for the loss to be noticed. */
  networkChanged(): void {
    for (const watched of this.#transports.values()) watched.due = true;
  }

  /** What to do at `now`. Restarts count as done. */
  poll(now: number): Verdict {
    const restart: Direction[] = [];
    const states: MediaState[] = [];
    for (const [direction, watched] of this.#transports) {
      const state = mediaState(watched, now);
      states.push(state);
      if (watched.due || now - watched.restartedAt >= restartInterval(state)) {
        watched.due = false;
        watched.restartedAt = now;
        restart.push(direction);
      }
    }
    const rejoin = [...this.#transports.values()].some(
      (watched) => watched.wasConnected && watched.state !== "connected" && now - watched.downSince >= REJOIN_AFTER_MS,
    );
    return { state: worst(states), restart, rejoin };
  }
}

function mediaState(watched: Watched, now: number): MediaState {
  if (watched.state === "connected") return "connected";
  if (watched.wasConnected) return "interrupted";
  return watched.state === "failed" || now - watched.downSince >= BLOCKED_AFTER_MS ? "blocked" : "connecting";
}

function restartInterval(state: MediaState): number {
  return state === "interrupted" || state === "blocked" ? RESTART_EVERY_MS[state] : Number.POSITIVE_INFINITY;
}

function worst(states: readonly MediaState[]): MediaState {
  const order: readonly MediaState[] = ["blocked", "interrupted", "connecting", "connected"];
  return order.find((state) => states.includes(state)) ?? "idle";
}
