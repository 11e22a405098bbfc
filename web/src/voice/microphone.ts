/** Opens the microphone, and says in one word why that did not work. */

/**
 * Why there is no microphone: `insecure` = the page is not on https, `denied` = the person or a policy said no,
 * `missing` = there is none, `busy` = another program holds it, `unsupported` = something else.
 */
export type MicrophoneProblem = "insecure" | "denied" | "missing" | "busy" | "unsupported";

/** A track, or why there is none. */
export type MicrophoneResult =
  | { readonly track: MediaStreamTrack; readonly problem?: undefined }
  | { readonly track: null; readonly problem: MicrophoneProblem };

/** What to open. */
export interface MicrophoneWish {
  /** Empty = the system's choice. If the device is gone, the system's choice is taken as well. */
  readonly deviceId: string;
  /** Echo cancellation, noise suppression and automatic level. Music and measurements want it off. */
  readonly processing: boolean;
}

/** Asks for the microphone. Never throws. */
export async function openMicrophone(wish: MicrophoneWish): Promise<MicrophoneResult> {
  if (!globalThis.isSecureContext) return { track: null, problem: "insecure" };
  if (navigator.mediaDevices === undefined) return { track: null, problem: "unsupported" };
  const result = await open(wish);
  const gone = wish.deviceId !== "" && result.problem === "missing";
  return gone ? await open({ ...wish, deviceId: "" }) : result;
}

async function open({ deviceId, processing }: MicrophoneWish): Promise<MicrophoneResult> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        // Not `ideal`: Chromium then opens its own favourite (seen in 156, reported as crbug 438606278).
        ...(deviceId === "" ? {} : { deviceId: { exact: deviceId } }),
        echoCancellation: processing,
        noiseSuppression: processing,
        autoGainControl: processing,
        channelCount: 1,
      },
    });
    const [track] = stream.getAudioTracks();
    return track === undefined ? { track: null, problem: "missing" } : { track };
  } catch (error) {
    return { track: null, problem: problemOf(error) };
  }
}

/** The names are those of the Media Capture specification, section 10.3.5 (getUserMedia). */
export function problemOf(error: unknown): MicrophoneProblem {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unsupported";
  }
}

/** A microphone or speaker to choose. */
export interface AudioDevice {
  readonly id: string;
  readonly label: string;
}

/** The devices to choose from. Without permission browsers tell neither ids nor labels: both lists are then empty. */
export async function audioDevices(): Promise<{ microphones: AudioDevice[]; speakers: AudioDevice[] }> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const kind = (wanted: MediaDeviceKind): AudioDevice[] =>
    all
      .filter((device) => device.kind === wanted && device.deviceId !== "" && device.deviceId !== "default")
      .map(({ deviceId, label }) => ({ id: deviceId, label: label || "Unnamed device" }));
  return { microphones: kind("audioinput"), speakers: kind("audiooutput") };
}
