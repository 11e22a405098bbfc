/**
 * The page's microphone: opens it, reopens it with other settings, falls back when it is unplugged, and measures it.
 *
 * The measured track is a clone, so that the meter still moves while the sent one is disabled by mute.
 */
import { type MicrophoneProblem, openMicrophone, TrackAnalyser } from "../voice";
import type { MicrophoneWish } from "../voice/microphone";

export class OwnMicrophone {
  #track: MediaStreamTrack | null = null;
  #analyser: TrackAnalyser | undefined;
  #problem: MicrophoneProblem | undefined;
  /** Counts openings, so that one that was overtaken gives its device back. */
  #generation = 0;

  /** @param lost the device was unplugged, or the permission withdrawn. */
  constructor(readonly lost: () => void) {}

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  get problem(): MicrophoneProblem | undefined {
    return this.#problem;
  }

  /** The measured copy's analyser, while the microphone is open. */
  get analyser(): TrackAnalyser | undefined {
    return this.#analyser;
  }

  /** Level in dBFS; −Infinity if there is no microphone. */
  level(): number {
    return this.#analyser?.level() ?? Number.NEGATIVE_INFINITY;
  }

  /** Opens the microphone in place of the present one. False if another call or `close` overtook this one. */
  async open(wish: MicrophoneWish): Promise<boolean> {
    this.#generation += 1;
    const generation = this.#generation;
    const { track, problem } = await openMicrophone(wish);
    if (generation !== this.#generation) {
      track?.stop();
      return false;
    }
    this.#release();
    this.#problem = problem;
    this.#track = track;
    if (track !== null) this.#adopt(track);
    return true;
  }

  /** Gives the device back. */
  close(): void {
    this.#generation += 1;
    this.#release();
    this.#problem = undefined;
  }

  #adopt(track: MediaStreamTrack): void {
    this.#analyser = new TrackAnalyser(track.clone());
    track.addEventListener("ended", () => {
      if (this.#track === track) this.lost();
    });
  }

  #release(): void {
    this.#analyser?.track.stop();
    this.#analyser?.close();
    this.#analyser = undefined;
    this.#track?.stop();
    this.#track = null;
  }
}
