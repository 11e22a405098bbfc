import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { type ConnectionState, VoiceClient } from "../../src/voice";
import { PAGE, settle } from "./page";
import { CERTIFICATE, FakeServer, fakeHandlers } from "./server";

const CHANNEL = { guildId: 0n, channelId: 2n ** 63n };

/** Somebody with a voice client, a server to call, and what the client told. Wants fake timers. */
export class Caller {
  readonly server = new FakeServer();
  readonly handlers = fakeHandlers();
  readonly store = new Map<string, string>();
  states: ConnectionState[] = [];
  tracks: [bigint, boolean][] = [];
  client = this.visit();

  /** Comes anew, with what the browser has kept. */
  visit(): VoiceClient {
    const states: ConnectionState[] = [];
    const tracks: [bigint, boolean][] = [];
    const client = new VoiceClient({
      url: PAGE,
      token: "7:Ada Lovelace",
      network: this.server.network,
      random: () => 1,
      generateCertificate: async () => CERTIFICATE,
      handlerFactory: this.handlers.factory,
      store: {
        getItem: (key) => this.store.get(key) ?? null,
        setItem: (key, value) => void this.store.set(key, value),
      },
    });
    client.on("connection", (state) => states.push(state));
    client.on("track", (userId, track) => tracks.push([userId, track !== null]));
    Object.assign(this, { client, states, tracks });
    return client;
  }

  async join(track: MediaStreamTrack | null = microphone()): Promise<void> {
    this.client.join(CHANNEL, track);
    await settle();
  }
}

export function microphone(): MediaStreamTrack {
  return new FakeMediaStreamTrack({ kind: "audio" }) as MediaStreamTrack;
}
