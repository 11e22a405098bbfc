/**
 * `window.hocket`: the page's client, and a look at what each person sounds like.
 *
 * For the console, for scripts of people who embed the page, and for end-to-end tests, which measure the spectrum of
 * each user's track. User ids are uint64: pass a bigint or a decimal string.
 *
 * ```js
 * hocket.client.participants                     // Map(1) { 8123…n => { name: "Ada", speaking: true, … } }
 * hocket.track("8123…")                          // the MediaStreamTrack that arrives from that user
 * hocket.audio("8123…").volume                   // the element that plays it
 * hocket.analyser("8123…").node.getFloatFrequencyData(bins)
 * hocket.microphone.track, hocket.microphone.analyser   // the own microphone, and its level before mute
 * ```
 */
import { TrackAnalyser, type VoiceClient } from "../voice";
import type { Model } from "./model";
import type { OwnMicrophone } from "./own-microphone";

export interface HocketHook {
  readonly client: VoiceClient;
  readonly microphone: OwnMicrophone;
  /** The track that arrives from a user. */
  track(userId: bigint | string): MediaStreamTrack | undefined;
  /** The element that plays a user. */
  audio(userId: bigint | string): HTMLAudioElement | undefined;
  /** An analyser on a user's track, made at the first call; another one once the user has another track. */
  analyser(userId: bigint | string): TrackAnalyser | undefined;
}

declare global {
  interface Window {
    hocket?: HocketHook;
  }
}

/** The hook on a model. */
export function createHook({ client, microphone, playback }: Model): HocketHook {
  const analysers = new Map<bigint, TrackAnalyser>();
  const forget = (userId: bigint): void => {
    analysers.get(userId)?.close();
    analysers.delete(userId);
  };
  client.on("track", forget);
  return {
    client,
    microphone,
    track: (userId) => playback.track(BigInt(userId)),
    audio: (userId) => playback.element(BigInt(userId)),
    analyser: (userId) => {
      const id = BigInt(userId);
      const track = playback.track(id);
      if (track === undefined) return undefined;
      const analyser = analysers.get(id) ?? new TrackAnalyser(track);
      analysers.set(id, analyser);
      return analyser;
    },
  };
}
