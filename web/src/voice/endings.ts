/** Which failures end a call for good, and which are worth another try. */
import type { Failure } from "../hrpc/failure";
import { CLIENT_FAILURES } from "../hrpc/failure";

/** Coming back at once would be wrong, or would fail in the same way. */
const FINAL: ReadonlySet<string> = new Set([
  "hocket.joined-elsewhere",
  "hocket.kicked",
  "hocket.unauthenticated",
  "hocket.permission-denied",
  "hocket.invalid-parameters",
  "hocket.fingerprint-mismatch",
  "hrpc.not-found",
  "hrpc.not-implemented",
  CLIENT_FAILURES.unsupported,
]);

/** True if the client should not try again by itself. Failures of an unknown kind are tried again, ever more slowly. */
export function isFinal(failure: Failure): boolean {
  return FINAL.has(failure.identifier);
}
