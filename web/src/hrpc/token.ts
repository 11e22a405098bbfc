/**
 * How a browser offers its session token: as the second WebSocket subprotocol, since it cannot set headers.
 *
 * A subprotocol is an HTTP token (RFC 9110 section 5.6.2): no space, colon or non-ASCII letter. So everything outside
 * RFC 3986's unreserved characters travels as `%XX` of its UTF-8 bytes. The server never echoes the token.
 */

/** The subprotocol that the server must choose. */
export const SUBPROTOCOL = "hrpc1";

/** `token` with every byte outside `A-Z a-z 0-9 - . _ ~` written as `%XX`. */
export function encodeToken(token: string): string {
  return encodeURIComponent(token.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The subprotocols to offer. An empty token is not offered: the server then decides what a guest may do. */
export function subprotocols(token: string): string[] {
  return token === "" ? [SUBPROTOCOL] : [SUBPROTOCOL, encodeToken(token)];
}
