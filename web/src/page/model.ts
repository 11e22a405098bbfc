/** The page's behaviour: joins the client library, the microphone and the preferences, and keeps the view up to date. */
import {
  audioDevices,
  type ConnectionState,
  channelFromFragment,
  channelFromText,
  channelToFragment,
  openToken,
  type Participant,
  Playback,
  tabUserId,
  VoiceClient,
  type VoiceClientOptions,
} from "../voice";
import { normaliseChannel } from "../voice/channel";
import { cleanName } from "../voice/identity";
import { copyText } from "./clipboard";
import { SpeakingHistory } from "./history";
import { Palette, shownName } from "./names";
import { OwnMicrophone } from "./own-microphone";
import { Preferences, safeStore } from "./preferences";
import { SessionToken } from "./session-token";
import { Store } from "./store";
import { ToldConnection } from "./told";
import { type Actions, canSpeak, EMPTY_VIEW, type PageModel, type Person, type View } from "./view";
import { deafenWords, muteWords, problems } from "./words";

const DEFAULT_CHANNEL = "lobby";
const COPIED_SHOWN_MS = 2_500;

export class Model implements PageModel {
  readonly store: Store<View>;
  readonly history = new SpeakingHistory();
  readonly client: VoiceClient;
  readonly playback: Playback;
  readonly microphone = new OwnMicrophone(() => void this.#microphoneLost());
  readonly #palette = new Palette();
  readonly #preferences = new Preferences(safeStore(() => localStorage));
  readonly #told = new ToldConnection(EMPTY_VIEW.toldConnection, (toldConnection) =>
    this.store.set({ toldConnection }),
  );
  readonly #tabStore = safeStore(() => sessionStorage);
  readonly #userId = tabUserId(this.#tabStore);
  readonly #sessionToken = new SessionToken(this.#tabStore);
  #copiedTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param forTests takes the place of the browser's network and WebRTC. */
  constructor(forTests: Partial<VoiceClientOptions> = {}) {
    // First of all: nothing else may see an address with a token in it.
    this.#sessionToken.take(window);
    this.client = new VoiceClient({
      // Whatever the prefix under which the page is mounted: the service lies beside it.
      url: ".",
      token: () => this.#sessionToken.value || openToken(this.#userId, this.store.value.name),
      store: safeStore(() => localStorage),
      ...forTests,
    });
    this.playback = new Playback(this.client);
    this.store = new Store(this.#firstView());
    this.#listen();
    void this.client.warmUp();
  }

  level(): number {
    return this.microphone.level();
  }

  readonly actions: Actions = {
    setName: (name) => this.#remember({ name }, "name", cleanName(name)),
    setChannel: (channel) => this.store.set({ channel, link: linkTo(channel) }),
    join: () => void this.#join(),
    leave: () => this.#leave(),
    toggleMuted: () => {
      if (canSpeak(this.store.value)) this.client.setMuted(!this.store.value.muted);
    },
    toggleDeafened: () => this.client.setDeafened(!this.store.value.deafened),
    muteByKey: () => {
      this.actions.toggleMuted();
      this.#announce(muteWords(this.store.value));
    },
    deafenByKey: () => {
      this.actions.toggleDeafened();
      this.#announce(deafenWords(this.store.value));
    },
    setVolume: (userId, volume) => {
      this.playback.setVolume(userId, volume);
      this.#showPeople();
    },
    copyLink: () => void this.#copyLink(),
    openSettings: (settingsOpen) => {
      this.store.set({ settingsOpen });
      if (settingsOpen) void this.#listDevices();
    },
    chooseMicrophone: (microphoneId) => {
      this.#remember({ microphoneId }, "microphone", microphoneId);
      void this.#reopenMicrophone();
    },
    chooseSpeaker: (speakerId) => {
      this.#remember({ speakerId }, "speaker", speakerId);
      void this.playback.setSpeaker(speakerId);
    },
    setProcessing: (processing) => {
      this.#remember({ processing }, "processing", processing ? "on" : "off");
      void this.#reopenMicrophone();
    },
    retryMicrophone: () => void this.#reopenMicrophone(),
    retryConnection: () => this.client.retryNow(),
    playSound: () => void this.playback.resume(),
    closeNote: () => this.store.set({ note: undefined }),
  };

  #firstView(): View {
    const remembered = (key: Parameters<Preferences["get"]>[0]): string => this.#preferences.get(key);
    const channel = channelFromFragment(location.hash) || remembered("channel") || DEFAULT_CHANNEL;
    const speakerId = remembered("speaker");
    void this.playback.setSpeaker(speakerId);
    return {
      ...EMPTY_VIEW,
      name: remembered("name"),
      hasToken: this.#sessionToken.value !== "",
      channel,
      link: linkTo(channel),
      microphoneId: remembered("microphone"),
      speakerId,
      canChooseSpeaker: Playback.canChooseSpeaker,
      processing: remembered("processing") !== "off",
      insecure: !isSecureContext,
    };
  }

  #listen(): void {
    const { client } = this;
    client.on("connection", (connection) => {
      this.#connectionChanged(connection);
      this.#told.update(connection);
    });
    client.on("participants", (people) => this.#peopleChanged(people));
    client.on("self", ({ muted, deafened, maySpeak }) => {
      this.store.set({ muted: muted || deafened, deafened, maySpeak });
      // Whoever speaks again has read what was said about it.
      if (!muted && this.store.value.note?.code.startsWith("client.")) this.actions.closeNote();
      this.#showPeople();
    });
    client.on("quality", (quality) => this.store.set({ quality }));
    client.on("notice", (note) => this.store.set({ note, announcement: note.text }));
    this.playback.on("blocked", (soundHeldBack) => this.store.set({ soundHeldBack }));
    window.addEventListener("online", () => client.networkChanged());
    window.addEventListener("pagehide", () => this.#leave());
    window.addEventListener("hashchange", () => this.#linkFollowed());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") client.retryNow();
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#listDevices());
  }

  async #join(): Promise<void> {
    const channel = normaliseChannel(this.store.value.channel) || DEFAULT_CHANNEL;
    const target = channelFromText(channel);
    if (target === undefined) return;
    this.#preferences.set("channel", channel);
    this.store.set({ stage: "asking", channel, link: linkTo(channel), note: undefined, announcement: "" });
    history.replaceState(null, "", channelToFragment(channel));
    if (!(await this.microphone.open(this.#wish()))) return;
    this.store.set({ stage: "call", microphoneProblem: this.microphone.problem });
    this.client.join(target, this.microphone.track);
    void this.#listDevices();
  }

  #leave(): void {
    this.client.leave();
    this.microphone.close();
    this.history.clear();
    this.store.set({ stage: "lobby", settingsOpen: false, note: undefined, microphoneProblem: undefined });
  }

  #connectionChanged(connection: ConnectionState): void {
    const { stage, note } = this.store.value;
    const entered = connection.phase === "joined" && this.store.value.connection.phase !== "joined";
    this.store.set({
      connection,
      quality: this.client.quality,
      mediaAddresses: this.client.mediaAddresses,
      note: entered && stage === "call" ? undefined : note,
      ...(entered ? { announcement: `You are in ${this.store.value.channel}.` } : {}),
    });
    if (connection.phase === "ended") {
      this.microphone.close();
      this.history.clear();
      this.store.set({ stage: "lobby", settingsOpen: false, note: undefined, microphoneProblem: undefined });
      this.#announceEnd();
    }
    this.#showPeople();
  }

  /** The lobby comes with its alert already in it, which not every screen reader speaks. */
  #announceEnd(): void {
    const [why] = problems(this.store.value);
    if (why !== undefined) this.#announce(`${why.title}. ${why.text}`);
  }

  #announce(announcement: string): void {
    this.store.set({ announcement });
  }

  #peopleChanged(people: ReadonlyMap<bigint, Participant>): void {
    const before = new Map(this.store.value.people.filter(({ own }) => !own).map((one) => [one.userId, one.name]));
    const came = [...people.values()].filter(({ userId }) => !before.has(userId));
    const went = [...before].filter(([userId]) => !people.has(userId));
    this.#showPeople();
    if (this.store.value.connection.phase !== "joined") return;
    const news = [
      ...came.map(({ userId, name }) => `${shownName(name, userId)} joined.`),
      ...went.map(([, name]) => `${name} left.`),
    ];
    if (news.length > 0) this.#announce(news.join(" "));
  }

  /** Rebuilds the rows, and notes who speaks. */
  #showPeople(): void {
    const now = performance.now();
    const others = [...this.client.participants.values()].map((person) => this.#row(person));
    const people = this.client.state.phase === "ended" ? [] : [this.#ownRow(), ...others];
    for (const { userId, speaking } of people) this.history.record(userId, speaking, now);
    this.store.set({ people });
  }

  #row({ userId, name, muted, deafened, speaking, maySpeak }: Participant): Person {
    const volume = this.playback.volume(userId);
    return {
      userId,
      name: shownName(name, userId),
      own: false,
      speaking: speaking && !muted,
      muted,
      deafened,
      listening: !maySpeak,
      volume,
      hue: this.#palette.hue(userId),
    };
  }

  #ownRow(): Person {
    const { userId, name, muted, deafened, speaking, maySpeak } = this.client.self;
    // With a token the server knows the name, whatever was typed at an earlier visit.
    const shown = name || (this.store.value.hasToken ? "You" : cleanName(this.store.value.name));
    return {
      userId: userId ?? this.#userId,
      name: shownName(shown, this.#userId),
      own: true,
      speaking: speaking && !muted && !deafened,
      muted: muted || deafened,
      deafened,
      listening: this.microphone.track === null || !maySpeak,
      volume: 1,
      hue: this.#palette.hue(userId ?? this.#userId),
    };
  }

  async #reopenMicrophone(): Promise<void> {
    if (this.store.value.stage !== "call") return;
    if (!(await this.microphone.open(this.#wish()))) return;
    this.store.set({ microphoneProblem: this.microphone.problem });
    await this.client.setMicrophone(this.microphone.track);
    this.#showPeople();
    void this.#listDevices();
  }

  /** The device was unplugged: go on with the system's choice, if there is one. */
  async #microphoneLost(): Promise<void> {
    this.#remember({ microphoneId: "" }, "microphone", "");
    await this.#reopenMicrophone();
  }

  async #listDevices(): Promise<void> {
    this.store.set(await audioDevices());
  }

  async #copyLink(): Promise<void> {
    const copied = await copyText(this.store.value.link);
    this.store.set({ copied, announcement: copied ? "Link copied." : "The link could not be copied." });
    clearTimeout(this.#copiedTimer);
    this.#copiedTimer = setTimeout(() => this.store.set({ copied: false }), COPIED_SHOWN_MS);
  }

  /** Someone opened another channel's link in this tab, or came back with another token. */
  #linkFollowed(): void {
    const invited = this.#sessionToken.take(window);
    const channel = channelFromFragment(location.hash) || this.store.value.channel;
    if (!invited && channel === this.store.value.channel) return;
    if (this.store.value.stage !== "lobby") this.#leave();
    this.store.set({ channel, link: linkTo(channel), hasToken: this.#sessionToken.value !== "" });
  }

  #wish(): { deviceId: string; processing: boolean } {
    return { deviceId: this.store.value.microphoneId, processing: this.store.value.processing };
  }

  #remember(change: Partial<View>, key: Parameters<Preferences["set"]>[0], value: string): void {
    this.store.set(change);
    this.#preferences.set(key, value);
  }
}

function linkTo(channel: string): string {
  return new URL(channelToFragment(channel), location.href).href;
}
