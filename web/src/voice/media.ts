/** mediasoup-client of one stream: two transports, one producer, a consumer for each speaker. */
import { Device, detectDevice, type types } from "mediasoup-client";
import type {
  StreamMessageResponse_PreparedForJoinChannel,
  TransportOptions,
  UserConsumerOptions,
} from "../gen/protocol/voice/v1/voice_pb";
import { CLIENT_FAILURES, Failure } from "../hrpc/failure";
import { dtlsParameters } from "./certificate";
import { defaultRouteConnection } from "./default-route";
import type { Direction, TransportState } from "./media-watch";
import { type ConnectionKind, making, withWantedPtime } from "./peer-connection";
import type { Ptime } from "./ptime";
import type { JoinParameters, KnownCapabilities } from "./session";

/** A mediasoup-client device that has read a router's capabilities. It serves any number of streams. */
export interface LoadedDevice {
  readonly device: types.Device;
  readonly known: KnownCapabilities;
}

/** Works out what this browser can do with a router. `router` is JSON RtpCapabilities. */
export async function loadDevice(router: string, handlerFactory?: types.HandlerFactory): Promise<LoadedDevice> {
  const device = await Device.factory(handlerFactory === undefined ? browserHandler() : { handlerFactory });
  await device.load({ routerRtpCapabilities: JSON.parse(router) as types.RtpCapabilities });
  return { device, known: { router, client: JSON.stringify(device.recvRtpCapabilities) } };
}

/**
 * The handler for this browser. On plain http Chromium tells its version only in the user agent, and without a window it
 * calls itself HeadlessChrome there, which mediasoup-client does not know.
 */
function browserHandler(): types.DeviceOptions {
  const handlerName = detectDevice();
  if (handlerName !== undefined) return { handlerName };
  return navigator.userAgent.includes("HeadlessChrome/") ? { handlerName: "Chrome111" } : {};
}

/** One user's sound as it arrives. */
export interface RemoteAudio {
  readonly track: MediaStreamTrack;
  readonly receiver: RTCRtpReceiver | undefined;
}

const MICROPHONE_OPTIONS = {
  // Silence costs a packet every 400 ms instead of every 20 ms. A lost packet is sent again, or rebuilt from the next.
  codecOptions: { opusDtx: true, opusFec: true, opusNack: true },
  // The track belongs to whoever opened it, and outlives the stream.
  stopTracks: false,
} satisfies Partial<types.ProducerOptions>;

/** The media side of one stream, from PreparedForJoinChannel to `close`. */
export class Media {
  readonly #transports = new Map<Direction, types.Transport>();
  readonly #consumers = new Map<bigint, types.Consumer>();
  /** The consumer id that is wanted for each user; a consume that comes too late for it is dropped. */
  readonly #wanted = new Map<bigint, string>();
  #producing: Promise<types.Producer> | undefined;
  #addresses: readonly string[] = [];
  #ptime: Ptime | undefined;

  /** `ptime` is how long the server wants packets to be when sending begins; undefined = it does not say. */
  constructor(
    readonly device: types.Device,
    readonly certificate: RTCCertificate,
    ptime: Ptime | undefined,
    readonly onState: (direction: Direction, state: TransportState) => void,
  ) {
    this.#ptime = ptime;
  }

  /** Makes the transports and, with a track, the producer. Sending starts ICE and DTLS at once. */
  async connect(
    prepared: StreamMessageResponse_PreparedForJoinChannel,
    track: MediaStreamTrack | null,
  ): Promise<JoinParameters> {
    const consumerDtls = await dtlsParameters(this.certificate);
    const options = this.#options(prepared.consumerTransportOptions);
    this.#addresses = options.iceCandidates.map(
      ({ protocol, address, ip, port }) => `${protocol.toUpperCase()} ${hostAndPort(address || ip, port)}`,
    );
    const kind = this.#connectionKind();
    const receiving = making(kind, () => this.device.createRecvTransport(options));
    receiving.on("connect", (_parameters, done) => done());
    this.#watch("receiving", receiving);
    if (track === null) return { rtpParameters: "", producerDtls: "", consumerDtls };
    const toProducer = this.#options(prepared.producerTransportOptions);
    const sendingKind = withWantedPtime(kind, () => this.#ptime);
    const sending = making(sendingKind, () => this.device.createSendTransport(toProducer));
    this.#watch("sending", sending);
    return { ...(await this.#produce(sending, track)), consumerDtls };
  }

  /** Consumes one user. Undefined if the user left meanwhile. */
  async consume(user: UserConsumerOptions): Promise<RemoteAudio | undefined> {
    this.release(user.userId);
    this.#wanted.set(user.userId, user.consumerId);
    const consumer = await this.#transport("receiving").consume({
      id: user.consumerId,
      producerId: user.producerId,
      kind: "audio",
      rtpParameters: JSON.parse(user.rtpParameters) as types.RtpParameters,
      // Separate streams: Chromium would otherwise try to keep all users in sync with each other.
      streamId: user.userId.toString(),
    });
    if (this.#wanted.get(user.userId) !== user.consumerId) {
      consumer.close();
      return undefined;
    }
    this.#consumers.set(user.userId, consumer);
    return { track: consumer.track, receiver: consumer.rtpReceiver };
  }

  /** Stops consuming one user. Late answers of a consume in progress are dropped. */
  release(userId: bigint): void {
    this.#wanted.delete(userId);
    this.#consumers.get(userId)?.close();
    this.#consumers.delete(userId);
  }

  /** A number that changes whenever another packet of someone's sound is played. */
  get soundMark(): number {
    const receivers = [...this.#consumers.values()].map(({ rtpReceiver }) => rtpReceiver);
    const sources = receivers.flatMap((receiver) => receiver?.getSynchronizationSources?.() ?? []);
    return Math.max(0, ...sources.map(({ timestamp }) => timestamp));
  }

  /** Where the server listens for sound, such as `UDP 192.0.2.1:40000`: for whoever has to open a firewall. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Whether this stream sends sound; a listener's does not, and needs a new stream for it. */
  get sends(): boolean {
    return this.#producing !== undefined;
  }

  /** Sends another microphone's sound, or none. */
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    const producer = await this.#producing;
    if (producer !== undefined && !producer.closed) await producer.replaceTrack({ track });
  }

  /**
   * Sends packets of another length from now on. A listener has none to send: if it speaks later, it is with a new stream.
   *
   * @throws if the browser refuses; then it goes on as before.
   */
  async setPtime(ptime: Ptime): Promise<void> {
    const before = this.#ptime;
    if (ptime === before) return;
    this.#ptime = ptime;
    const producer = await this.#producing;
    if (producer === undefined || producer.closed) return;
    try {
      // It sets nothing, but of what negotiates it alone changes nothing either, and it waits for its turn behind others.
      await producer.setRtpEncodingParameters({});
    } catch (error) {
      if (this.#ptime === ptime) this.#ptime = before;
      throw error;
    }
  }

  /** The id of a transport that has been used, hence can be restarted. */
  transportId(direction: Direction): string | undefined {
    return this.#transports.get(direction)?.id;
  }

  /** Starts ICE anew on one transport, with what IceRestarted brought (JSON). */
  async restartIce(transportId: string, iceParameters: string): Promise<void> {
    const transport = [...this.#transports.values()].find((candidate) => candidate.id === transportId);
    await transport?.restartIce({ iceParameters: JSON.parse(iceParameters) as types.IceParameters });
  }

  /** Ends both transports and all that runs on them. The microphone's track stays as it is. */
  close(): void {
    for (const transport of this.#transports.values()) transport.close();
    this.#transports.clear();
    this.#consumers.clear();
    this.#wanted.clear();
  }

  #connectionKind(): ConnectionKind {
    // Firefox looks for its addresses when it needs them, and has nothing to gain.
    return this.device.handlerName.startsWith("Chrome") ? defaultRouteConnection() : globalThis.RTCPeerConnection;
  }

  async #produce(transport: types.Transport, track: MediaStreamTrack): Promise<Omit<JoinParameters, "consumerDtls">> {
    return await new Promise((resolve, reject) => {
      let producerDtls = "";
      transport.on("connect", ({ dtlsParameters: own }, done) => {
        producerDtls = JSON.stringify(own);
        done();
      });
      transport.on("produce", ({ rtpParameters }, done) => {
        // JoinedChannel names no producer id, so any will do.
        done({ id: "microphone" });
        resolve({ rtpParameters: JSON.stringify(rtpParameters), producerDtls });
      });
      this.#producing = transport.produce({ track, ...MICROPHONE_OPTIONS });
      this.#producing.catch(reject);
    });
  }

  #options(options: TransportOptions | undefined): types.TransportOptions {
    if (options === undefined) throw new Failure(CLIENT_FAILURES.protocol, "The server sent no transport options.");
    return {
      id: options.id,
      iceParameters: JSON.parse(options.iceParameters) as types.IceParameters,
      iceCandidates: options.iceCandidates.map((candidate) => JSON.parse(candidate) as types.IceCandidate),
      dtlsParameters: JSON.parse(options.dtlsParameters) as types.DtlsParameters,
      additionalSettings: { certificates: [this.certificate] },
    };
  }

  #watch(direction: Direction, transport: types.Transport): void {
    this.#transports.set(direction, transport);
    transport.on("connectionstatechange", (state) => this.onState(direction, state));
  }

  #transport(direction: Direction): types.Transport {
    const transport = this.#transports.get(direction);
    if (transport === undefined) throw new Failure(CLIENT_FAILURES.protocol, "This stream has no transports.");
    return transport;
  }
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
