/** The page's sentences: connection states and problems, for people who do not know what a transport is. Pure. */
import { CLIENT_FAILURES, CLIENT_NOTICES, type Failure, type MicrophoneProblem } from "../voice";
import { canSpeak, type View } from "./view";

/** How a state looks: `good`, on the way, or in trouble. */
export type Tone = "good" | "busy" | "bad";

/** Above these the connection is called weak: speech suffers from either. */
const WEAK_LOSS = 0.05;
const WEAK_RTT_MS = 400;

/** The connection state in a few words. */
export function connectionWords(view: View): { readonly text: string; readonly tone: Tone } {
  const { toldConnection: connection, stage, quality } = view;
  if (stage === "asking") return { text: "Waiting for the microphone…", tone: "busy" };
  switch (connection.phase) {
    case "idle":
      return { text: "Not connected", tone: "busy" };
    case "connecting":
      return { text: "Connecting…", tone: "busy" };
    case "reconnecting":
      return { text: connection.wasJoined ? "Reconnecting…" : "Waiting for the server…", tone: "bad" };
    case "ended":
      return { text: "Disconnected", tone: "bad" };
    case "joined":
      break;
  }
  if (connection.media === "connecting") return { text: "Connecting the sound…", tone: "busy" };
  if (connection.media === "interrupted") return { text: "Sound interrupted, repairing…", tone: "bad" };
  if (connection.media === "blocked") return { text: "No sound gets through", tone: "bad" };
  const weak = quality !== undefined && (quality.loss > WEAK_LOSS || quality.rttMs > WEAK_RTT_MS);
  return weak ? { text: "Connected, weak network", tone: "busy" } : { text: "Connected", tone: "good" };
}

/** For screen readers: what the key that mutes brought about. */
export function muteWords(view: View): string {
  if (!canSpeak(view)) return view.maySpeak ? "You have no microphone to mute." : "You may not speak here.";
  return view.muted ? "Muted." : "Unmuted.";
}

/** For screen readers: what the key that deafens brought about. */
export function deafenWords(view: View): string {
  if (view.deafened) return "Deafened: you hear nobody, and nobody hears you.";
  return canSpeak(view) && view.muted
    ? "You hear the others again. You are still muted."
    : "You hear the others again.";
}

/** Figures behind the state, for whoever asks. */
export function qualityWords({ quality }: View): string {
  if (quality === undefined) return "";
  const rtt = quality.rttMs > 0 ? `${Math.round(quality.rttMs)} ms to the server and back, ` : "";
  return `${rtt}${Math.round(quality.loss * 100)} % lost`;
}

/** What to know of a link that leads to the very machine on which it is opened; undefined for every other. */
export function loopbackNote(link: string): string | undefined {
  if (!URL.canParse(link)) return undefined;
  const { hostname } = new URL(link);
  if (!/^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) return undefined;
  return `This one opens only on this computer. For others, serve your network (--host 0.0.0.0), and put this computer's name or address in place of “${hostname}”.`;
}

/** What a button in a problem does. */
export type Remedy = "retry-microphone" | "retry-connection" | "play-sound" | "join" | "close-note";

/** Something that a person should know, and may be able to change. */
export interface Problem {
  readonly code: string;
  /** `error` = something does not work; `info` = good to know. */
  readonly kind: "error" | "info";
  readonly title: string;
  readonly text: string;
  readonly remedy?: { readonly action: Remedy; readonly label: string };
}

/** Everything that is wrong at the moment, the most pressing first. */
export function problems(view: View): readonly Problem[] {
  const found: (Problem | undefined)[] = [
    endedProblem(view),
    lostProblem(view),
    blockedProblem(view),
    view.soundHeldBack ? SOUND_HELD_BACK : undefined,
    voiceProblem(view),
    noteProblem(view),
  ];
  return found.filter((problem) => problem !== undefined);
}

const SOUND_HELD_BACK: Problem = {
  code: "sound-held-back",
  kind: "error",
  title: "Your browser holds back the sound",
  text: "It wants one more click before it plays the others.",
  remedy: { action: "play-sound", label: "Play sound" },
};

const ENDINGS: Readonly<Record<string, { title: string; text: string; label: string }>> = {
  "hocket.joined-elsewhere": {
    title: "You joined in another window",
    text: "This one was disconnected: a person is in a channel only once.",
    label: "Join here instead",
  },
  "hocket.kicked": {
    title: "You were removed from the channel",
    text: "Someone who runs this channel removed you.",
    label: "Join again",
  },
  "hocket.permission-denied": {
    title: "You may not join this channel",
    text: "Ask the people who run it to let you in.",
    label: "Try again",
  },
  [CLIENT_FAILURES.unsupported]: {
    title: "This browser cannot do it",
    text: "It lacks what voice channels need (WebRTC). A current Firefox, Chrome, Edge or Safari has it.",
    label: "Try again",
  },
};

const UNAUTHENTICATED = "hocket.unauthenticated";

const NO_TOKEN = {
  title: "The server does not know you",
  text: "It lets in only people who signed in or were invited. Open the link that you were sent, or come here from the app that you signed in to.",
  label: "Try again",
};

const TOKEN_REFUSED = {
  title: "Your link is no longer accepted",
  text: "It may have run out, or been taken back. Ask for a new one where you got it, and open that.",
  label: "Try again",
};

function endedProblem({ connection, hasToken }: View): Problem | undefined {
  if (connection.phase !== "ended") return undefined;
  const { identifier, sentence } = connection.failure;
  const unknownPerson = hasToken ? TOKEN_REFUSED : NO_TOKEN;
  const known = identifier === UNAUTHENTICATED ? unknownPerson : ENDINGS[identifier];
  return {
    code: identifier,
    kind: "error",
    title: known?.title ?? "The call ended",
    text: known?.text ?? `The server said: ${sentence}`,
    remedy: { action: "join", label: known?.label ?? "Try again" },
  };
}

function lostProblem({ connection }: View): Problem | undefined {
  // The first try is on its way already; most people never see this.
  if (connection.phase !== "reconnecting" || connection.attempt <= 1) return undefined;
  return {
    code: connection.failure.identifier,
    kind: "error",
    title: connection.wasJoined ? "The connection is gone" : "The server does not answer",
    text: `${reasonWords(connection.failure)} You will be back by yourself as soon as it works again.`,
    remedy: { action: "retry-connection", label: "Try now" },
  };
}

function reasonWords({ identifier, sentence }: Failure): string {
  switch (identifier) {
    case CLIENT_FAILURES.lost:
    case CLIENT_FAILURES.timeout:
      return "Your network may be down, or the server is restarting.";
    case CLIENT_FAILURES.blocked:
      return "The server can be reached, but something between you and it blocks WebSockets; often a company proxy.";
    case "hrpc.resource-exhausted":
      return `The server is full: ${sentence}`;
    default:
      return sentence;
  }
}

function blockedProblem({ connection, mediaAddresses }: View): Problem | undefined {
  if (connection.phase !== "joined" || connection.media !== "blocked") return undefined;
  const where = mediaAddresses.length === 0 ? "" : ` (${mediaAddresses.join(", ")})`;
  return {
    code: "media-blocked",
    kind: "error",
    title: "No sound gets through",
    text:
      `You are in the channel, but a firewall seems to block the sound${where}. ` +
      "Try another network, or ask whoever runs the server to open that port.",
  };
}

const MAY_NOT_SPEAK: Problem = {
  code: "may-not-speak",
  kind: "info",
  title: "You can listen here, but not speak",
  text: "The people who run this channel decide who may speak.",
};

const MUTED: Problem = {
  code: "muted-by-moderator",
  kind: "info",
  title: "A moderator muted you",
  text: "You can listen. This changes when you may speak again.",
};

const MICROPHONE_WORDS: Readonly<Record<MicrophoneProblem, { title: string; text: string; retry: boolean }>> = {
  insecure: {
    title: "You can listen, but not speak",
    text: "Browsers open the microphone only on secure pages. Open this one over https, or on the server itself as localhost.",
    retry: false,
  },
  denied: {
    title: "You can listen, but not speak",
    text: "The browser does not let this page use the microphone. Allow it next to the address bar, then try again.",
    retry: true,
  },
  missing: {
    title: "No microphone found",
    text: "You can listen. To speak, plug one in and try again.",
    retry: true,
  },
  busy: {
    title: "The microphone is taken",
    text: "Another program holds it. You can listen; close that program and try again to speak.",
    retry: true,
  },
  unsupported: {
    title: "The microphone does not open",
    text: "You can listen. The browser does not say why the microphone stays closed.",
    retry: true,
  },
};

function voiceProblem({ stage, maySpeak, microphoneProblem, connection, note }: View): Problem | undefined {
  if (stage !== "call" || connection.phase === "ended") return undefined;
  if (!maySpeak) return note?.code === CLIENT_NOTICES.muted ? MUTED : MAY_NOT_SPEAK;
  if (microphoneProblem === undefined) return undefined;
  const { title, text, retry } = MICROPHONE_WORDS[microphoneProblem];
  const problem: Problem = { code: `microphone-${microphoneProblem}`, kind: "info", title, text };
  return retry ? { ...problem, remedy: { action: "retry-microphone", label: "Try again" } } : problem;
}

function noteProblem({ note, maySpeak }: View): Problem | undefined {
  if (note === undefined || (note.code === CLIENT_NOTICES.muted && !maySpeak)) return undefined;
  const remedy = { action: "close-note", label: "Close" } as const;
  return { code: note.code, kind: "info", title: note.text, text: "", remedy };
}
