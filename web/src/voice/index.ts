/** The client library: everything that an app needs to put a voice channel into its page. */
export { CLIENT_FAILURES, Failure } from "../hrpc/failure";
export { type ChannelRef, channelFromFragment, channelFromText, channelToFragment } from "./channel";
export {
  type ConnectionState,
  type Notice,
  type Quality,
  VoiceClient,
  type VoiceClientEvents,
  type VoiceClientOptions,
} from "./client";
export { openToken, tabUserId } from "./identity";
export type { MediaState } from "./media-watch";
export { meterShare, TrackAnalyser } from "./meter";
export { type AudioDevice, audioDevices, type MicrophoneProblem, openMicrophone } from "./microphone";
export { CLIENT_NOTICES, type OwnState } from "./own-voice";
export { Playback } from "./playback";
export type { Participant } from "./roster";
