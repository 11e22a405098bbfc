/**
 * Peer connections that send from whatever address the system would use at the moment (RFC 8828 §5.2, mode 2).
 *
 * Once a page may use the microphone, browsers bind its connections to each address they know of (mode 1). Chromium learns
 * of a changed one up to 2 s late, and until then even a new connection sends from the old. A frame that may not use the
 * microphone stays in mode 2, whose sockets are bound to no address: they follow the system's routes at once. A server
 * with ICE lite never asks for our addresses, so nothing is lost.
 */

/** What is used of a window. */
interface Realm {
  readonly RTCPeerConnection?: typeof RTCPeerConnection;
}

/** A frame of this page, for as long as its connections are used. */
export class DefaultRoute {
  readonly #frame: HTMLIFrameElement;

  constructor(document: Document) {
    this.#frame = document.createElement("iframe");
    this.#frame.allow = "microphone 'none'; camera 'none'";
    this.#frame.hidden = true;
    document.documentElement.append(this.#frame);
  }

  /** Calls `make`, which finds the frame's RTCPeerConnection in the place of the page's. */
  within<T>(make: () => T): T {
    const own = globalThis.RTCPeerConnection;
    const realm = this.#frame.contentWindow as Realm | null;
    globalThis.RTCPeerConnection = realm?.RTCPeerConnection ?? own;
    try {
      return make();
    } finally {
      globalThis.RTCPeerConnection = own;
    }
  }

  /** Removes the frame, and with it whatever connection of it is still open. */
  close(): void {
    this.#frame.remove();
  }
}
