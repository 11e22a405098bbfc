/** What the page shows, as one value, and what a person can do on it. The components know nothing else. */
import type { AudioDevice, ConnectionState, MicrophoneProblem, Quality } from "../voice";
import type { SpeakingHistory } from "./history";
import type { Store } from "./store";

/** One row of the channel. */
export interface Person {
  readonly userId: bigint;
  /** Never empty. */
  readonly name: string;
  readonly own: boolean;
  readonly speaking: boolean;
  readonly muted: boolean;
  readonly deafened: boolean;
  /** Cannot be heard: no microphone, or not allowed to speak. */
  readonly listening: boolean;
  /** 0 to 1. */
  readonly volume: number;
  /** The person's colour, in degrees. */
  readonly hue: number;
}

/** Where the page stands: `asking` = the browser asks for the microphone. */
export type Stage = "lobby" | "asking" | "call";

/** A sentence of the server or of the page, shown until it is closed. */
export interface Note {
  readonly code: string;
  readonly text: string;
}

export interface View {
  readonly stage: Stage;
  readonly name: string;
  /** An app or an invitation says who this is: the name is the server's to know. */
  readonly hasToken: boolean;
  readonly channel: string;
  /** The address that opens this channel. */
  readonly link: string;
  /** The link was copied a moment ago. */
  readonly copied: boolean;
  readonly connection: ConnectionState;
  /** The state that the words tell: what passes in no time is left out. */
  readonly toldConnection: ConnectionState;
  readonly quality: Quality | undefined;
  /** The own row first. */
  readonly people: readonly Person[];
  readonly muted: boolean;
  readonly deafened: boolean;
  readonly maySpeak: boolean;
  readonly microphoneProblem: MicrophoneProblem | undefined;
  /** The browser refuses to play sound without another click. */
  readonly soundHeldBack: boolean;
  /** Where the server listens for sound, if nothing gets there. */
  readonly mediaAddresses: readonly string[];
  readonly note: Note | undefined;
  readonly settingsOpen: boolean;
  readonly microphones: readonly AudioDevice[];
  readonly speakers: readonly AudioDevice[];
  /** Empty = the system's choice. */
  readonly microphoneId: string;
  readonly speakerId: string;
  readonly canChooseSpeaker: boolean;
  readonly processing: boolean;
  /** The page was opened over plain http from elsewhere: no microphone. */
  readonly insecure: boolean;
  /** For screen readers: what just happened. */
  readonly announcement: string;
}

export interface Actions {
  setName(name: string): void;
  setChannel(channel: string): void;
  join(): void;
  leave(): void;
  /** Nothing happens to whoever cannot speak. */
  toggleMuted(): void;
  toggleDeafened(): void;
  /** As the buttons do. What came of it is announced, since a screen reader reads no button that a key did not touch. */
  muteByKey(): void;
  deafenByKey(): void;
  setVolume(userId: bigint, volume: number): void;
  copyLink(): void;
  openSettings(open: boolean): void;
  chooseMicrophone(deviceId: string): void;
  chooseSpeaker(deviceId: string): void;
  setProcessing(processing: boolean): void;
  retryMicrophone(): void;
  retryConnection(): void;
  playSound(): void;
  closeNote(): void;
}

/** Whether there is a voice that could be muted. */
export function canSpeak({ microphoneProblem, maySpeak }: View): boolean {
  return microphoneProblem === undefined && maySpeak;
}

/** Everything that the components are given. */
export interface PageModel {
  readonly store: Store<View>;
  readonly actions: Actions;
  readonly history: SpeakingHistory;
  /** The own microphone's level in dBFS; −Infinity if there is none. Asked often. */
  level(): number;
}

export const EMPTY_VIEW: View = {
  stage: "lobby",
  name: "",
  hasToken: false,
  channel: "",
  link: "",
  copied: false,
  connection: { phase: "idle" },
  toldConnection: { phase: "idle" },
  quality: undefined,
  people: [],
  muted: false,
  deafened: false,
  maySpeak: true,
  microphoneProblem: undefined,
  soundHeldBack: false,
  mediaAddresses: [],
  note: undefined,
  settingsOpen: false,
  microphones: [],
  speakers: [],
  microphoneId: "",
  speakerId: "",
  canChooseSpeaker: true,
  processing: true,
  insecure: false,
  announcement: "",
};
