/**
 * How much sound each Opus packet holds that this client sends (`ptime`, RFC 7587 §6.1): text in, text out.
 *
 * A packet costs by its number and not by its length, so servers ask for longer ones in large channels: with the router's
 * capabilities when a stream begins, and with `Event.Ptime` at any time afterwards.
 */
import type { types } from "mediasoup-client";

/** What a server may ask for, in ms. All that is longer costs more of the conversation than it saves. */
const LENGTHS = [20, 40, 60] as const;

export type Ptime = (typeof LENGTHS)[number];

/** Whether this is a length that a server may ask for. */
export function isPtime(value: unknown): value is Ptime {
  return LENGTHS.some((length) => length === value);
}

/**
 * Takes the wish out of a router's capabilities (JSON RtpCapabilities). What is left says the same for all channels of a
 * server, so that a device which was loaded with it serves them all.
 *
 * @throws {SyntaxError} if it is no JSON.
 */
export function takePtime(capabilities: string): { router: string; ptime: Ptime | undefined } {
  const router = JSON.parse(capabilities) as types.RtpCapabilities;
  let ptime: Ptime | undefined;
  for (const { mimeType, parameters = {} } of router.codecs ?? []) {
    const wish = parameters["ptime"];
    if (mimeType.toLowerCase() !== "audio/opus" || !isPtime(wish)) continue;
    ptime ??= wish;
    delete parameters["ptime"];
  }
  return { router: JSON.stringify(router), ptime };
}

/**
 * A remote description (SDP) that asks for packets of this length, wherever it takes Opus.
 *
 * The attribute of the media section, to which RFC 7587 §7 maps the parameter: Chromium would take the parameter as well,
 * Firefox takes nothing else.
 */
export function withPtime(sdp: string, ptime: Ptime): string {
  const [session, ...media] = sdp.split(/^(?=m=)/m);
  return [session, ...media.map((section) => (OPUS.test(section) ? asking(section, ptime) : section))].join("");
}

const OPUS = /^a=rtpmap:\d+ opus\//im;

function asking(section: string, ptime: Ptime): string {
  const silent = section.replace(/^a=ptime:.*\r\n/gm, "");
  return `${silent}a=ptime:${ptime}\r\n`;
}
