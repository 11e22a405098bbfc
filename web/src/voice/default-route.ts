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

/** The page's frame. It stays as long as the page: its end would be that of every sound which came through it. */
let frame: HTMLIFrameElement | undefined;

/** The frame's RTCPeerConnection. */
export function defaultRouteConnection(): typeof RTCPeerConnection {
  frame ??= emptyFrame();
  // A frame that someone took out of the page has no window any more, and the page's own connections must do.
  const realm = frame.contentWindow as Realm | null;
  return realm?.RTCPeerConnection ?? globalThis.RTCPeerConnection;
}

function emptyFrame(): HTMLIFrameElement {
  const empty = document.createElement("iframe");
  empty.allow = "microphone 'none'; camera 'none'";
  empty.hidden = true;
  document.documentElement.append(empty);
  return empty;
}
