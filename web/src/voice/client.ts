/**
 * A voice channel from a browser: joins, stays through lost connections, and tells what happens.
 *
 * ```ts
 * const client = new VoiceClient({ url: "https://example.org/voice/", token: () => session.token });
 * new Playback(client); // plays everyone
 * client.on("participants", (people) => show(people));
 * await client.join({ guildId: 0n, channelId: 42n }, microphoneTrack);
 * ```
 *
 * Ids are uint64 on the wire, hence bigint here. Without Hocket's extension (another server) names, mute and speaking of
 * others are unknown; everything else works.
 */
import type { types } from "mediasoup-client";
import type { Event, Event_Notice, Event_Participant, Event_Quality } from "../gen/hocket/voice/v1/extension_pb";
import { CLIENT_FAILURES, Failure } from "../hrpc/failure";
import { generateCertificate } from "./certificate";
import type { ChannelRef } from "./channel";
import { Emitter } from "./emitter";
import { isFinal } from "./endings";
import type { KeyValueStore } from "./identity";
import { type LoadedDevice, loadDevice } from "./media";
import type { MediaState } from "./media-watch";
import { type OwnState, OwnVoice } from "./own-voice";
import { RetryPolicy, STABLE_AFTER_MS } from "./retry";
import { type Participant, Roster } from "./roster";
import { Stay, type StayListener } from "./stay";
import { asFailure, browserNetwork, type Network } from "./stream";

/** Where the client stands. */
export type ConnectionState =
  /** Not in a channel and not on the way. */
  | { readonly phase: "idle" }
  /** On the way into the channel. */
  | { readonly phase: "connecting" }
  /** In the channel. `media` says whether sound gets through. */
  | { readonly phase: "joined"; readonly media: MediaState }
  /** The stream is gone; the next try starts at `retryAt` (ms, as `Date.now()`), because of `failure`. */
  | {
      readonly phase: "reconnecting";
      readonly failure: Failure;
      readonly retryAt: number;
      readonly attempt: number;
      readonly wasJoined: boolean;
    }
  /** Over, and not coming back by itself. */
  | { readonly phase: "ended"; readonly failure: Failure };

/** How this client's own connection does. */
export interface Quality {
  /** Share of packets lost lately, 0 to 1. */
  readonly loss: number;
  /** Round-trip time in ms; 0 = not measured yet. */
  readonly rttMs: number;
  /** Interarrival jitter in ms. */
  readonly jitterMs: number;
}

/** Something that a person should read. */
export interface Notice {
  /** Which notice, for programs. */
  readonly code: string;
  /** One sentence for people. */
  readonly text: string;
}

/** Name and arguments of each event. */
export interface VoiceClientEvents {
  connection: readonly [state: ConnectionState];
  participants: readonly [people: ReadonlyMap<bigint, Participant>];
  speaking: readonly [userId: bigint, speaking: boolean];
  /** The own mute, deafen, name, right to speak or speaking changed. */
  self: readonly [own: OwnState];
  quality: readonly [quality: Quality];
  notice: readonly [notice: Notice];
  /** A stream ended with a failure; `connection` says whether the client comes back by itself. */
  error: readonly [failure: Failure];
  /** A user's sound is there (a new track after each reconnect), or gone (null). */
  track: readonly [userId: bigint, track: MediaStreamTrack | null];
}

/** What a client is made with. */
export interface VoiceClientOptions {
  /** Where the service is mounted: `https://example.org/voice/`. A relative address counts from the page. */
  readonly url: string;
  /** The session token; asked anew for each stream. Empty = none. */
  readonly token: string | (() => string | Promise<string>);
  /** Keeps the router's capabilities between visits, which saves a round trip of each join. */
  readonly store?: KeyValueStore;
  /** For tests: network, chance, certificate and WebRTC handler of another kind than the browser's. */
  readonly network?: Network;
  readonly random?: () => number;
  readonly generateCertificate?: () => Promise<RTCCertificate>;
  readonly handlerFactory?: types.HandlerFactory;
}

const CAPABILITIES_KEY = "hocket.router-capabilities";

/** One person's place in one channel at a time. */
export class VoiceClient extends Emitter<VoiceClientEvents> {
  readonly #base: string;
  readonly #roster = new Roster();
  readonly #own: OwnVoice;
  readonly #retry: RetryPolicy;
  #state: ConnectionState = { phase: "idle" };
  #channel: ChannelRef | undefined;
  #stay: Stay | undefined;
  #device: LoadedDevice | undefined;
  #certificate: Promise<RTCCertificate> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #quality: Quality | undefined;
  #addresses: readonly string[] = [];
  #wasJoined = false;
  #wasBlocked = false;
  /** The server let us in only without a microphone. */
  #mayOnlyListen = false;
  /** Counts joins and leaves, so that what was asked before a leave does not act after it. */
  #generation = 0;

  constructor(readonly options: VoiceClientOptions) {
    super();
    this.#base = new URL(options.url, globalThis.document?.baseURI).href;
    this.#retry = new RetryPolicy(options.random);
    this.#own = new OwnVoice(
      (request) => this.#stay?.request(request),
      (own) => this.emit("self", own),
      (notice) => this.emit("notice", notice),
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The others in the channel, in the order in which they came. */
  get participants(): ReadonlyMap<bigint, Participant> {
    return this.#roster.people;
  }

  /** The own mute, deafen, name and so on. */
  get self(): OwnState {
    return this.#own.state;
  }

  /** The latest quality of the connection; undefined before the server told. */
  get quality(): Quality | undefined {
    return this.#quality;
  }

  /** Where the server listens for sound, such as `UDP 192.0.2.1:40000`; known while joined. */
  get mediaAddresses(): readonly string[] {
    return this.#addresses;
  }

  /** Makes the certificate and the device before they are needed. Optional; failures show at `join`. */
  async warmUp(): Promise<void> {
    const remembered = this.options.store?.getItem(CAPABILITIES_KEY);
    await Promise.allSettled([this.#ownCertificate(), remembered ? this.#remember(remembered) : undefined]);
  }

  /**
   * Joins a channel, leaving the present one. It goes on trying until `leave` or a final failure.
   *
   * @param microphone what to send; null = listen only. It stays the caller's: it is never stopped here.
   */
  join(channel: ChannelRef, microphone: MediaStreamTrack | null = null): void {
    this.leave();
    this.#channel = channel;
    this.#mayOnlyListen = false;
    this.#own.setTrack(microphone);
    this.#begin();
  }

  /** Leaves the channel. Nothing happens if there is none. */
  leave(): void {
    this.#stop();
    this.#channel = undefined;
    this.#wasJoined = false;
    this.#wasBlocked = false;
    this.#retry.reset();
    this.#forgetTracks();
    this.#roster.clear();
    this.#own.reset();
    if (this.#state.phase === "idle") return;
    this.emit("participants", this.participants);
    this.#become({ phase: "idle" });
  }

  /** Turns the own microphone off or on. Off, its track is disabled: not a sample of it leaves the browser. */
  setMuted(muted: boolean): void {
    this.#own.setMuted(muted);
  }

  /** Stops or starts listening. Whoever does not listen does not speak either, as long as it lasts. */
  setDeafened(deafened: boolean): void {
    this.#own.setDeafened(deafened);
  }

  /** Sends another track. A listener who gets one joins again with it, which takes a moment. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    this.#own.setTrack(track);
    const stay = this.#stay;
    if (stay === undefined || !stay.joined || this.#mayOnlyListen) return;
    if (stay.sends) await stay.replaceTrack(track);
    else if (track !== null) this.#begin();
  }

  /** Does not wait for the next try. */
  retryNow(): void {
    if (this.#state.phase !== "reconnecting") return;
    this.#retry.reset();
    this.#begin();
  }

  /** The network came back or changed: tries at once, or looks whether the present stream survived. */
  networkChanged(): void {
    this.retryNow();
    this.#stay?.networkChanged();
  }

  #begin(): void {
    this.#stop();
    this.#become({ phase: "connecting" });
    const generation = this.#generation;
    this.#open(generation).catch((error: unknown) => {
      if (generation === this.#generation) this.#lost(asFailure(error));
    });
  }

  async #open(generation: number): Promise<void> {
    const { token } = this.options;
    const [certificate, value] = await Promise.all([
      this.#ownCertificate(),
      typeof token === "string" ? token : token(),
    ]);
    const channel = this.#channel;
    if (generation !== this.#generation || channel === undefined) return;
    this.#stay = new Stay(
      {
        base: this.#base,
        token: value,
        channel,
        device: this.#device,
        certificate,
        network: this.options.network ?? browserNetwork,
        handlerFactory: this.options.handlerFactory,
        microphone: () => (this.#mayOnlyListen ? null : this.#own.track),
      },
      this.#listener(),
    );
  }

  #listener(): StayListener {
    return {
      loaded: (device) => this.#loaded(device),
      outdated: () => {
        this.#device = undefined;
        this.#begin();
      },
      entered: (userIds) => this.#entered(userIds),
      joined: (userId) => this.#changeRoster(() => this.#roster.join(userId)),
      left: (userId) => {
        this.emit("track", userId, null);
        this.#changeRoster(() => this.#roster.leave(userId));
      },
      heard: (userId, { track }) => this.emit("track", userId, track),
      told: (event) => this.#told(event),
      media: (state) => {
        if (this.#state.phase === "joined") this.#mediaIs(state);
      },
      ended: (failure) => this.#lost(failure),
    };
  }

  #entered(userIds: readonly bigint[]): void {
    this.#wasJoined = true;
    this.#addresses = this.#stay?.addresses ?? [];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#retry.reset(), STABLE_AFTER_MS);
    for (const userId of this.#roster.people.keys()) {
      if (!userIds.includes(userId)) this.emit("track", userId, null);
    }
    this.#changeRoster(() => this.#roster.enter(userIds));
    // Sending has begun to connect before the channel was joined.
    this.#mediaIs(this.#stay?.mediaState ?? "idle");
    this.#own.entered(this.#stay?.sends ?? false);
    // The microphone may have been changed on the way in.
    void this.setMicrophone(this.#own.track);
  }

  #mediaIs(media: MediaState): void {
    // A new try behind the same firewall is not yet news.
    this.#wasBlocked = media === "blocked" || (this.#wasBlocked && media !== "connected");
    this.#become({ phase: "joined", media: this.#wasBlocked ? "blocked" : media });
  }

  #told({ event }: Event): void {
    switch (event.case) {
      case "welcome":
        return this.#own.welcome(event.value.userId, event.value.name);
      case "participant":
        return this.#described(event.value);
      case "quality":
        return this.#measured(event.value);
      case "notice":
        return this.#noticed(event.value);
    }
  }

  #described(person: Event_Participant): void {
    if (person.userId === this.#own.state.userId) return this.#own.described(person);
    const before = this.#roster.people.get(person.userId)?.speaking ?? false;
    this.#changeRoster(() => this.#roster.describe(person));
    if (before !== person.speaking) this.emit("speaking", person.userId, person.speaking);
  }

  #measured({ loss, rttMs, jitterMs }: Event_Quality): void {
    this.#quality = { loss, rttMs, jitterMs };
    this.emit("quality", this.#quality);
  }

  #noticed({ code, text }: Event_Notice): void {
    this.emit("notice", { code, text });
  }

  #changeRoster(change: () => void): void {
    const before = this.#roster.people;
    change();
    if (this.#roster.people !== before) this.emit("participants", this.#roster.people);
  }

  /** A stream ended, or could not be opened. */
  #lost(failure: Failure): void {
    const refusedToSpeak = failure.identifier === "hocket.permission-denied" && (this.#stay?.sends ?? false);
    this.#stop();
    if (refusedToSpeak && !this.#mayOnlyListen) {
      this.#mayOnlyListen = true;
      return this.#begin();
    }
    this.#changeRoster(() => this.#roster.silence());
    this.#own.lost();
    this.emit("error", failure);
    if (isFinal(failure)) {
      this.#forgetTracks();
      this.#changeRoster(() => this.#roster.clear());
      return this.#become({ phase: "ended", failure });
    }
    const wait = this.#retry.next(failure.retryAfter);
    const { attempt } = this.#retry;
    const wasJoined = this.#wasJoined;
    this.#become({ phase: "reconnecting", failure, retryAt: Date.now() + wait, attempt, wasJoined });
    this.#timer = setTimeout(() => this.#begin(), wait);
  }

  #stop(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    this.#stay?.close();
    this.#stay = undefined;
    this.#quality = undefined;
    this.#addresses = [];
  }

  #forgetTracks(): void {
    for (const userId of this.#roster.people.keys()) this.emit("track", userId, null);
  }

  #loaded(device: LoadedDevice): void {
    this.#device = device;
    this.options.store?.setItem(CAPABILITIES_KEY, device.known.router);
  }

  async #remember(router: string): Promise<void> {
    const device = await loadDevice(router, this.options.handlerFactory);
    this.#device ??= device;
  }

  #ownCertificate(): Promise<RTCCertificate> {
    this.#certificate ??= (this.options.generateCertificate ?? generateCertificate)().catch((error: unknown) => {
      this.#certificate = undefined;
      throw new Failure(CLIENT_FAILURES.unsupported, `This browser has no WebRTC: ${asFailure(error).sentence}`);
    });
    return this.#certificate;
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.emit("connection", state);
  }
}
