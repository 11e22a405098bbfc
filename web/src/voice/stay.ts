/**
 * One stay in a channel: one stream, one session, one set of transports, from opening to the end.
 *
 * It carries out the session's steps and ends exactly once. Coming back after the end is the client's business.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { types } from "mediasoup-client";
import type { Event, RequestSchema } from "../gen/hocket/voice/v1/extension_pb";
import type { UserConsumerOptions } from "../gen/protocol/voice/v1/voice_pb";
import { CLIENT_FAILURES, Failure } from "../hrpc/failure";
import type { ChannelRef } from "./channel";
import { Liveness } from "./liveness";
import { type LoadedDevice, loadDevice, Media, type RemoteAudio } from "./media";
import { type MediaState, MediaWatch } from "./media-watch";
import type { Ptime } from "./ptime";
import { Session, type Step } from "./session";
import { asFailure, type Network, reaches, Stream } from "./stream";

/** How long an answer of the handshake may take, and each of our own steps. */
const STEP_TIMEOUT_MS = 10_000;
/** How long IceRestarted may take. Its lack means that the stream is dead as well, long before TCP notices. */
const RESTART_TIMEOUT_MS = 3_000;
const WATCH_INTERVAL_MS = 1_000;
const PULSE_INTERVAL_MS = 30;

/** What a stay is about, and what it uses. */
export interface StayOptions {
  readonly base: string;
  readonly token: string;
  readonly channel: ChannelRef;
  readonly device: LoadedDevice | undefined;
  readonly certificate: RTCCertificate;
  readonly network: Network;
  readonly handlerFactory: types.HandlerFactory | undefined;
  /** Asked when the producer is made; null joins as a listener. */
  microphone(): MediaStreamTrack | null;
}

/** Whom a stay tells. After `ended` or `outdated` nothing follows. */
export interface StayListener {
  /** The device was loaded with this server's capabilities; worth remembering. */
  loaded(device: LoadedDevice): void;
  /** The remembered device does not fit the server any more: begin another stay without it. */
  outdated(): void;
  /** JoinedChannel, with the ids of those who are there. */
  entered(userIds: readonly bigint[]): void;
  joined(userId: bigint): void;
  left(userId: bigint): void;
  heard(userId: bigint, audio: RemoteAudio): void;
  told(event: Event): void;
  media(state: MediaState): void;
  ended(failure: Failure): void;
}

/** A running stay. */
export class Stay {
  readonly #session = new Session();
  readonly #stream: Stream;
  readonly #watch = new MediaWatch();
  readonly #life = new Liveness(performance.now());
  /** Who speaks, ourselves excepted. */
  readonly #voices = new Set<bigint>();
  readonly #restarts = new Map<string, ReturnType<typeof setTimeout>>();
  #media: Media | undefined;
  #device: LoadedDevice | undefined;
  #mediaState: MediaState = "idle";
  #stepTimer: ReturnType<typeof setTimeout> | undefined;
  #watchTimer: ReturnType<typeof setInterval> | undefined;
  #pulseTimer: ReturnType<typeof setInterval> | undefined;
  #extension = false;
  #userId: bigint | undefined;
  #ptime: Ptime | undefined;
  #over = false;

  constructor(
    readonly options: StayOptions,
    readonly listener: StayListener,
  ) {
    this.#device = options.device;
    this.#stream = new Stream(
      options.base,
      options.token,
      {
        opened: () => this.#run(() => this.#session.begin(options.channel, this.#device?.known)),
        received: (response) => {
          this.#life.sign(performance.now());
          this.#run(() => this.#session.receive(response));
        },
        ended: (failure) => this.#end(failure),
      },
      options.network,
    );
  }

  /** Whether this stay sends sound. One that does not is a listener's. */
  get sends(): boolean {
    return this.#media?.sends ?? false;
  }

  /** Whether the channel is joined. */
  get joined(): boolean {
    return this.#session.state === "joined";
  }

  /** How the sound does at the moment. */
  get mediaState(): MediaState {
    return this.#mediaState;
  }

  /** Where the server listens for sound. */
  get addresses(): readonly string[] {
    return this.#media?.addresses ?? [];
  }

  /** Sends a request of the extension, if the server knows it and the channel is joined. */
  request(request: MessageInitShape<typeof RequestSchema>["request"] & object): void {
    if (this.#extension && this.joined) this.#run(() => this.#session.extension(request));
  }

  /** Sends another microphone's sound, or none. */
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    await this.#media?.replaceTrack(track);
  }

  /** The network changed: look at once whether everything still works. */
  networkChanged(): void {
    this.#watch.networkChanged();
    this.#look();
  }

  /** Ends the stay from this side. The listener hears nothing any more. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#session.end();
    clearTimeout(this.#stepTimer);
    clearInterval(this.#watchTimer);
    clearInterval(this.#pulseTimer);
    for (const timer of this.#restarts.values()) clearTimeout(timer);
    this.#stream.close();
    this.#media?.close();
  }

  #end(failure: Failure): void {
    if (this.#over) return;
    this.close();
    this.listener.ended(failure);
  }

  /** Carries out what `steps` returns; whatever goes wrong ends the stay. */
  #run(steps: () => Step[]): void {
    try {
      for (const step of steps()) this.#carryOut(step);
      this.#limitStep();
    } catch (error) {
      this.#end(asFailure(error));
    }
  }

  #carryOut(step: Step): void {
    if (this.#over) return;
    switch (step.do) {
      case "send":
        return this.#stream.send(step.request);
      case "load":
        return this.#background(this.#load(step.router));
      case "start-over":
        this.close();
        return this.listener.outdated();
      case "connect":
        return this.#background(this.#connect(step.prepared));
      case "enter":
        return this.#enter(step.others);
      case "consume":
        if (step.thenResume) this.listener.joined(step.user.userId);
        return void this.#consume(step.user, step.thenResume);
      case "release":
        this.#media?.release(step.userId);
        this.#voice(step.userId, false);
        return this.listener.left(step.userId);
      case "set-ptime":
        return void this.#setPtime(step.ptime);
      case "tell":
        return this.#tell(step.event);
    }
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#end(asFailure(error)));
  }

  async #load(router: string): Promise<void> {
    const device = await loadDevice(router, this.options.handlerFactory);
    if (this.#over) return;
    this.#device = device;
    this.listener.loaded(device);
    this.#run(() => this.#session.prepare(device.known.client));
  }

  async #connect(prepared: Parameters<Media["connect"]>[0]): Promise<void> {
    if (this.#device === undefined) throw new Failure(CLIENT_FAILURES.protocol, "No device was loaded.");
    const media = new Media(this.#device.device, this.options.certificate, this.#ptime, (direction, state) => {
      this.#watch.update(direction, state, performance.now());
      this.#look();
    });
    this.#media = media;
    const parameters = await media.connect(prepared, this.options.microphone());
    this.#run(() => this.#session.join(parameters));
  }

  #enter(others: readonly UserConsumerOptions[]): void {
    this.listener.entered(others.map((user) => user.userId));
    this.#watchTimer = setInterval(() => this.#look(), WATCH_INTERVAL_MS);
    if (this.#extension) this.#pulseTimer = setInterval(() => this.#feelPulse(), PULSE_INTERVAL_MS);
    this.#look();
  }

  /** One user who cannot be consumed costs only that user's sound. */
  async #consume(user: UserConsumerOptions, thenResume: boolean): Promise<void> {
    try {
      const audio = await this.#media?.consume(user);
      if (audio === undefined || this.#over) return;
      this.listener.heard(user.userId, audio);
      if (thenResume) this.#run(() => this.#session.resume(user.consumerId));
    } catch (error) {
      if (!this.#over) console.error(`hocket: user ${user.userId} cannot be heard`, error);
    }
  }

  /** The server's wish, and not more: a browser that cannot goes on as before. */
  async #setPtime(ptime: Ptime): Promise<void> {
    this.#ptime = ptime;
    try {
      await this.#media?.setPtime(ptime);
    } catch (error) {
      if (!this.#over) console.error(`hocket: packets of ${ptime} ms cannot be sent`, error);
    }
  }

  #tell(event: Event): void {
    if (event.event.case === "welcome") {
      this.#extension = true;
      this.#userId = event.event.value.userId;
    }
    if (event.event.case === "participant") this.#voice(event.event.value.userId, event.event.value.speaking);
    if (event.event.case === "quality") this.#life.roundTrip(event.event.value.rttMs);
    if (event.event.case !== "iceRestarted") return this.listener.told(event);
    const { transportId, iceParameters } = event.event.value;
    clearTimeout(this.#restarts.get(transportId));
    this.#restarts.delete(transportId);
    this.#background(this.#media?.restartIce(transportId, iceParameters) ?? Promise.resolve());
  }

  /** Sound that ends with the last of the others' voices has not been lost. */
  #voice(userId: bigint, speaks: boolean): void {
    if (userId === this.#userId) return;
    if (speaks) this.#voices.add(userId);
    else this.#voices.delete(userId);
    this.#life.voices(this.#voices.size > 0, performance.now());
  }

  /** Looks after the sound: tells of changes, asks for ICE restarts, gives up on a stream that cannot be repaired. */
  #look(): void {
    if (this.#over) return;
    const { state, restart, rejoin } = this.#watch.poll(performance.now());
    if (state !== this.#mediaState) {
      this.#mediaState = state;
      this.listener.media(state);
    }
    if (rejoin) return this.#end(new Failure(CLIENT_FAILURES.lost, "The sound was interrupted."));
    for (const direction of restart) {
      const transportId = this.#media?.transportId(direction);
      if (transportId !== undefined) this.#askForRestart(transportId);
    }
  }

  /** Whether the server is still reached from here; see `Liveness`. */
  #feelPulse(): void {
    const now = performance.now();
    this.#life.sound(this.#media?.soundMark ?? 0, now);
    const deed = this.#life.poll(now);
    if (deed === "ping") this.request({ case: "ping", value: {} });
    if (deed === "knock") void this.#knock();
  }

  async #knock(): Promise<void> {
    const { base, token, network } = this.options;
    const reached = await reaches(base, token, network);
    if (!reached || !this.#life.overdue(performance.now())) return;
    this.#end(new Failure(CLIENT_FAILURES.lost, "The network changed."));
  }

  #askForRestart(transportId: string): void {
    if (!this.#extension || !this.joined || this.#restarts.has(transportId)) return;
    this.request({ case: "restartIce", value: { transportId } });
    this.#restarts.set(transportId, this.#endAfter(RESTART_TIMEOUT_MS, "The server does not answer any more."));
  }

  /** Until the channel is joined, each step has a time limit. */
  #limitStep(): void {
    clearTimeout(this.#stepTimer);
    if (this.#over || this.joined) return;
    this.#stepTimer = this.#endAfter(STEP_TIMEOUT_MS, "The server did not answer in time.");
  }

  #endAfter(ms: number, sentence: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#end(new Failure(CLIENT_FAILURES.timeout, sentence)), ms);
  }
}
