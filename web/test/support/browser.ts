/**
 * As much of a browser as the page's rules touch: one tab with its address, its storage, its devices and its elements.
 * It stands in for globals; nothing of the page is replaced.
 */
import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { vi } from "vitest";

/** A storage that lasts as long as the tab; a reload is another tab with the same one. */
export class MemoryStorage {
  readonly kept = new Map<string, string>();

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
}

/** An audio element. It plays unless the tab's sound is held back. */
export class FakeAudio {
  readonly dataset: Record<string, string> = {};
  readonly #tab: FakeTab;
  autoplay = false;
  muted = false;
  volume = 1;
  sinkId = "";
  srcObject: FakeMediaStream | null = null;
  playing = false;

  constructor(tab: FakeTab) {
    this.#tab = tab;
  }

  async play(): Promise<void> {
    if (this.#tab.playError !== undefined) throw this.#tab.playError;
    this.playing = true;
  }

  async setSinkId(deviceId: string): Promise<void> {
    if (!this.#tab.speakers.includes(deviceId)) throw new DOMException("no such device", "NotFoundError");
    this.sinkId = deviceId;
  }

  remove(): void {
    this.#tab.elements.splice(this.#tab.elements.indexOf(this), 1);
  }
}

class FakeMediaStream {
  constructor(readonly tracks: readonly MediaStreamTrack[]) {}

  getAudioTracks(): readonly MediaStreamTrack[] {
    return this.tracks;
  }
}

/** The audio graph behind the own meter; it measures silence. */
class FakeAudioContext {
  readonly state = "running";

  createAnalyser(): object {
    return { getFloatTimeDomainData: (samples: Float32Array) => samples.fill(0) };
  }

  createMediaStreamSource(): object {
    return { connect: () => undefined, disconnect: () => undefined };
  }
}

/** One tab. `install` puts it in the place of the globals, until `vi.unstubAllGlobals`. */
export class FakeTab {
  readonly elements: FakeAudio[] = [];
  /** What was put on the clipboard. */
  readonly copied: string[] = [];
  /** What `getUserMedia` was asked for, and what it gave. */
  readonly asked: MediaTrackConstraints[] = [];
  readonly opened: FakeMediaStreamTrack[] = [];
  readonly mediaDevices = new EventTarget();
  readonly window = new EventTarget();
  readonly document = new EventTarget();
  readonly local: MemoryStorage;
  readonly session: MemoryStorage;
  /** What refuses to play, such as a NotAllowedError. */
  playError: Error | undefined;
  /** Why there is no microphone. */
  microphoneError: Error | undefined;
  /** Ids of microphones that are gone. */
  readonly unplugged = new Set<string>();
  /** How long the person thinks about whether the page may use the microphone. */
  permission: Promise<void> = Promise.resolve();
  /** Ids that can be chosen; empty is the system's choice. */
  speakers = [""];
  devices: Partial<MediaDeviceInfo>[] = [];
  #url: URL;

  /** @param former the tab before a reload, which shares its storage. */
  constructor(href: string, former?: FakeTab) {
    this.#url = new URL(href);
    this.local = former?.local ?? new MemoryStorage();
    this.session = former?.session ?? new MemoryStorage();
  }

  /** What the address bar shows. */
  get href(): string {
    return this.#url.href;
  }

  /** Follows a link to another fragment of the same page. */
  follow(fragment: string): void {
    this.#url = new URL(fragment, this.#url);
    this.window.dispatchEvent(new Event("hashchange"));
  }

  install(): void {
    const history = {
      state: null,
      replaceState: (_state: unknown, _unused: string, url: string) => {
        this.#url = new URL(url, this.#url);
      },
    };
    const tab = this;
    const location = {
      get href() {
        return tab.#url.href;
      },
      get hash() {
        return tab.#url.hash;
      },
      get pathname() {
        return tab.#url.pathname;
      },
      get search() {
        return tab.#url.search;
      },
    };
    const globals = { location, history, localStorage: this.local, sessionStorage: this.session };
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    vi.stubGlobal("window", Object.assign(this.window, { location, history }));
    vi.stubGlobal("document", Object.assign(this.document, this.#documentParts()));
    vi.stubGlobal("navigator", this.#navigator());
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("MediaStream", FakeMediaStream);
    vi.stubGlobal("AudioContext", FakeAudioContext);
    vi.stubGlobal("HTMLMediaElement", FakeAudio);
  }

  #documentParts(): object {
    return {
      baseURI: this.href,
      visibilityState: "visible",
      body: { append: (element: FakeAudio) => void this.elements.push(element) },
      createElement: () => new FakeAudio(this),
    };
  }

  #navigator(): object {
    return {
      userAgent: "test",
      clipboard: { writeText: async (text: string) => void this.copied.push(text) },
      mediaDevices: Object.assign(this.mediaDevices, {
        enumerateDevices: async () => this.devices,
        getUserMedia: async ({ audio }: { audio: MediaTrackConstraints }) => {
          this.asked.push(audio);
          await this.permission;
          if (this.microphoneError !== undefined) throw this.microphoneError;
          const { exact } = (audio.deviceId as ConstrainDOMStringParameters | undefined) ?? {};
          if (typeof exact === "string" && this.unplugged.has(exact)) {
            throw Object.assign(new Error("no such device"), { name: "OverconstrainedError" });
          }
          const track = new FakeMediaStreamTrack({ kind: "audio" });
          this.opened.push(track);
          return new FakeMediaStream([track as MediaStreamTrack]);
        },
      }),
    };
  }
}
