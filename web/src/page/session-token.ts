/**
 * The session token that an app or an invitation link gives: `#token=…`, or after a channel, `#/lobby&token=…`.
 *
 * It comes in the fragment, which browsers send to no server and in no Referer; a query would stand in access logs. It is
 * kept for the tab alone, so that a reload still has it, and taken out of the address before that can be copied.
 */
import type { KeyValueStore } from "../voice/identity";

const TOKEN_KEY = "hocket.token";
const PREFIX = "token=";

/** What is used of a window. */
export interface Address {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { readonly state: unknown; replaceState(state: unknown, unused: string, url: string): void };
}

/** A fragment's token, undefined if it has none, and the fragment without it. */
export function splitFragment(fragment: string): { readonly token: string | undefined; readonly rest: string } {
  const parts = fragment.replace(/^#/, "").split("&");
  const given = parts.find((part) => part.startsWith(PREFIX));
  if (given === undefined) return { token: undefined, rest: fragment };
  const rest = parts.filter((part) => !part.startsWith(PREFIX)).join("&");
  return { token: decoded(given.slice(PREFIX.length)), rest: rest === "" ? "" : `#${rest}` };
}

/** Apps that forget to percent-encode mean what they wrote. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The token of this tab. */
export class SessionToken {
  /** @param store lasts as long as the tab. */
  constructor(readonly store: KeyValueStore) {}

  /** Empty if none was given. */
  get value(): string {
    return this.store.getItem(TOKEN_KEY) ?? "";
  }

  /** Takes the token out of the address. True if one stood there; an empty one takes back the former. */
  take({ location, history }: Address): boolean {
    const { token, rest } = splitFragment(location.hash);
    if (token === undefined) return false;
    this.store.setItem(TOKEN_KEY, token);
    history.replaceState(history.state, "", `${location.pathname}${location.search}${rest}`);
    return true;
  }
}
