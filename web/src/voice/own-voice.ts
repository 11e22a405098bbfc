/**
 * The own microphone and ears: mute, deafen, and what the server says about us. No network and no audio device of its
 * own; requests leave through a callback.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Event_Participant, RequestSchema } from "../gen/hocket/voice/v1/extension_pb";
import { cleanName } from "./identity";

/** What can be said about oneself. Never changed in place. */
export interface OwnState {
  /** Undefined until the server said it. */
  readonly userId: bigint | undefined;
  /** The name that the server knows; empty until it said it. */
  readonly name: string;
  /** The microphone is off because we or a moderator want it so. */
  readonly muted: boolean;
  /** We do not listen, and are not heard meanwhile. */
  readonly deafened: boolean;
  /** The others hear us at this moment. */
  readonly speaking: boolean;
  /** Whether the channel's rules let us speak. */
  readonly maySpeak: boolean;
  /** The present stream has no microphone. */
  readonly listening: boolean;
}

/** Codes of the notices that are made here; all others come from the server. */
export const CLIENT_NOTICES = {
  muted: "client.muted-by-moderator",
  maySpeakAgain: "client.may-speak-again",
} as const;

type Request = MessageInitShape<typeof RequestSchema>["request"] & object;

const NOBODY: OwnState = {
  userId: undefined,
  name: "",
  muted: false,
  deafened: false,
  speaking: false,
  maySpeak: true,
  listening: true,
};

/** Owns the microphone's track as long as it is set: whether it is enabled follows from mute and deafen. */
export class OwnVoice {
  #state: OwnState = NOBODY;
  #track: MediaStreamTrack | null = null;
  /** What the server was told last; undefined before a stream is joined. */
  #told: { muted: boolean; deafened: boolean } | undefined;
  /** The server has shown us with the mute that it was told last. */
  #confirmed = true;

  constructor(
    readonly request: (request: Request) => void,
    readonly changed: (state: OwnState) => void,
    readonly notice: (notice: { code: string; text: string }) => void,
  ) {}

  get state(): OwnState {
    return this.#state;
  }

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  /** Another microphone, or none. */
  setTrack(track: MediaStreamTrack | null): void {
    this.#track = track;
    this.#apply();
  }

  setMuted(muted: boolean): void {
    // Unmuting says "I want to talk", which includes listening.
    this.#set(muted ? { muted } : { muted, deafened: false });
  }

  setDeafened(deafened: boolean): void {
    this.#set({ deafened });
  }

  /** The channel was joined: the server knows nothing of mute and deafen yet. */
  entered(sends: boolean): void {
    this.#told = { muted: false, deafened: false };
    this.#confirmed = true;
    this.#set({ listening: !sends });
  }

  /** The stream is gone. Mute and deafen stay as they are. */
  lost(): void {
    this.#told = undefined;
    this.#set({ speaking: false });
  }

  /** Left for good. Mute and deafen stay as they are: whoever was muted stays so in the next channel. */
  reset(): void {
    this.#told = undefined;
    this.#track = null;
    const { muted, deafened } = this.#state;
    this.#set({ ...NOBODY, muted, deafened });
  }

  welcome(userId: bigint, name: string): void {
    this.#set({ userId, name: cleanName(name) });
  }

  /**
   * What the server tells the others about us. If it says muted and we did not ask for it, a moderator did. We take that
   * over as our own mute, since nobody but the person turns a microphone on: not even the moderator who turned it off.
   */
  described({ muted, speaking, maySpeak, name }: Event_Participant): void {
    this.#confirmed ||= muted === this.#told?.muted;
    const byModerator = this.#confirmed && muted && !this.#silent;
    const allowedAgain = maySpeak && !this.#state.maySpeak && this.#state.muted;
    if (byModerator) this.notice({ code: CLIENT_NOTICES.muted, text: "A moderator muted you." });
    if (allowedAgain) {
      this.notice({ code: CLIENT_NOTICES.maySpeakAgain, text: "You may speak again. Your microphone is still off." });
    }
    this.#set({ speaking, maySpeak, name: name || this.#state.name, ...(byModerator ? { muted } : {}) });
  }

  get #silent(): boolean {
    return this.#state.muted || this.#state.deafened;
  }

  #set(change: Partial<OwnState>): void {
    this.#state = { ...this.#state, ...change };
    this.#apply();
    this.changed(this.#state);
  }

  /** The track follows at once; the server is told what it does not know yet. */
  #apply(): void {
    const muted = this.#silent;
    const { deafened } = this.#state;
    if (this.#track !== null) this.#track.enabled = !muted;
    if (this.#told === undefined) return;
    if (this.#told.muted !== muted) {
      this.request({ case: "setMuted", value: { muted } });
      this.#confirmed = false;
    }
    if (this.#told.deafened !== deafened) this.request({ case: "setDeafened", value: { deafened } });
    this.#told = { muted, deafened };
  }
}
