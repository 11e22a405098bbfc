/**
 * Plays everyone whom a client hears: one audio element a person, so that each has a volume of their own and no
 * AudioContext is needed.
 *
 * Browsers play sound only after a click or key press on the page; the Join button is one. If a browser still refuses,
 * `blocked` says so and `resume` tries again from the next click.
 */
import type { VoiceClient } from "./client";
import { Emitter } from "./emitter";

/** Name and arguments of each event. */
export interface PlaybackEvents {
  /** The browser refuses to play (true), or plays again (false). */
  blocked: readonly [blocked: boolean];
}

/** Plays a client's remote tracks. */
export class Playback extends Emitter<PlaybackEvents> {
  readonly #elements = new Map<bigint, HTMLAudioElement>();
  readonly #tracks = new Map<bigint, MediaStreamTrack>();
  readonly #volumes = new Map<bigint, number>();
  #deafened = false;
  #speaker = "";

  /** @param container where the elements live; they show nothing. */
  constructor(
    client: VoiceClient,
    readonly container: HTMLElement = document.body,
  ) {
    super();
    client.on("track", (userId, track) => (track === null ? this.#remove(userId) : this.#play(userId, track)));
    client.on("self", ({ deafened }) => this.#deafen(deafened));
  }

  /** Whether this browser lets a page choose the speaker. */
  static get canChooseSpeaker(): boolean {
    return "setSinkId" in HTMLMediaElement.prototype;
  }

  /** The track that is played for a user. */
  track(userId: bigint): MediaStreamTrack | undefined {
    return this.#tracks.get(userId);
  }

  /** The element that plays a user. */
  element(userId: bigint): HTMLAudioElement | undefined {
    return this.#elements.get(userId);
  }

  /** A user's volume, 0 to 1. */
  volume(userId: bigint): number {
    return this.#volumes.get(userId) ?? 1;
  }

  /** Sets a user's volume, 0 to 1. It is kept while the page is open, also when the user comes back. */
  setVolume(userId: bigint, volume: number): void {
    const clamped = Math.min(1, Math.max(0, volume));
    this.#volumes.set(userId, clamped);
    const element = this.#elements.get(userId);
    if (element !== undefined) element.volume = clamped;
  }

  /** Plays on another device; empty = the system's choice. Where a page may not choose, nothing happens. */
  async setSpeaker(deviceId: string): Promise<void> {
    this.#speaker = deviceId;
    await Promise.all([...this.#elements.values()].map((element) => this.#route(element)));
  }

  /** Tries again to play whatever the browser refused. To be called from a click. */
  async resume(): Promise<void> {
    await Promise.all([...this.#elements.values()].map((element) => this.#start(element)));
  }

  #play(userId: bigint, track: MediaStreamTrack): void {
    this.#tracks.set(userId, track);
    // The element outlives a reconnect: it keeps the permission to play.
    const element = this.#elements.get(userId) ?? this.#create(userId);
    element.srcObject = new MediaStream([track]);
    void this.#start(element);
  }

  #create(userId: bigint): HTMLAudioElement {
    const element = document.createElement("audio");
    element.autoplay = true;
    element.dataset["userId"] = userId.toString();
    element.muted = this.#deafened;
    element.volume = this.volume(userId);
    this.#elements.set(userId, element);
    this.container.append(element);
    void this.#route(element);
    return element;
  }

  #remove(userId: bigint): void {
    const element = this.#elements.get(userId);
    this.#elements.delete(userId);
    this.#tracks.delete(userId);
    if (element === undefined) return;
    element.srcObject = null;
    element.remove();
  }

  #deafen(deafened: boolean): void {
    this.#deafened = deafened;
    for (const element of this.#elements.values()) element.muted = deafened;
  }

  async #start(element: HTMLAudioElement): Promise<void> {
    try {
      await element.play();
      this.emit("blocked", false);
    } catch (error) {
      // AbortError: the source changed meanwhile, and the next call plays it.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.emit("blocked", true);
    }
  }

  async #route(element: HTMLAudioElement): Promise<void> {
    if (!Playback.canChooseSpeaker || element.sinkId === this.#speaker) return;
    try {
      await element.setSinkId(this.#speaker);
    } catch {
      // The chosen device is unplugged: the system's choice plays on.
    }
  }
}
