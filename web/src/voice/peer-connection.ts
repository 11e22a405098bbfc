/**
 * Which kind of peer connection mediasoup-client makes, and one that asks its own encoder for packets of a given length.
 *
 * An encoder takes the length from the remote description. mediasoup-client writes that anew from its own state in each
 * negotiation and lets nobody change it, so the length is put in where the description passes. Then whatever negotiates
 * keeps it: the producer, an ICE restart, another length.
 */
import { type Ptime, withPtime } from "./ptime";

/** A class of peer connections; undefined outside browsers, where handlers of another kind need none. */
export type ConnectionKind = typeof RTCPeerConnection | undefined;

/** Calls `make`, which finds this kind in the place of the page's. */
export function making<T>(kind: ConnectionKind, make: () => T): T {
  if (kind === undefined) return make();
  const own = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = kind;
  try {
    return make();
  } finally {
    globalThis.RTCPeerConnection = own;
  }
}

/**
 * Peer connections of the same kind, which look up the length of packets in each negotiation.
 *
 * @param kind what they are otherwise.
 * @param wanted the length in ms; undefined leaves descriptions as they are.
 */
export function withWantedPtime(kind: ConnectionKind, wanted: () => Ptime | undefined): ConnectionKind {
  if (kind === undefined) return undefined;
  return class extends kind {
    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      const ptime = wanted();
      if (ptime === undefined || description.sdp === undefined) return super.setRemoteDescription(description);
      return super.setRemoteDescription({ ...description, sdp: withPtime(description.sdp, ptime) });
    }
  };
}
