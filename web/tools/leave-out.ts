/**
 * Leaves parts of mediasoup-client out of the page that no browser which can show it runs: the handlers for React Native
 * and for Chrome before 111 (the page needs 111 for other reasons), and its fake handler for tests. Together they are a
 * fifth of the bundle. Tests run on the whole package.
 */
import type { Plugin } from "vite";

const LEFT_OUT =
  /\/mediasoup-client\/lib\/(?:handlers\/(?:ReactNative106|Chrome74|FakeHandler)|test\/fakeParameters)\.js$/;

export function leaveOut(): Plugin {
  return {
    name: "hocket-leave-out",
    apply: "build",
    enforce: "pre",
    load: (id) => (LEFT_OUT.test(id) ? "module.exports = {};" : null),
  };
}
