/** The page's model in a tab of its own, against a server in memory. */
import { vi } from "vitest";
import { Model } from "../../src/page/model";
import { FakeTab } from "./browser";
import { CERTIFICATE, type FakeServer, fakeHandlers } from "./server";

/** Where the page is mounted. */
export const PAGE = "https://voice.example/mounted/here/";

/** Opens the page; with a former tab, as a reload of it. Its globals stay until `vi.unstubAllGlobals`. */
export function openPage(
  server: FakeServer,
  href = `${PAGE}#/lobby`,
  former?: FakeTab,
): { readonly tab: FakeTab; readonly model: Model } {
  const tab = new FakeTab(href, former);
  tab.install();
  const model = new Model({
    url: PAGE,
    network: server.network,
    random: () => 1,
    generateCertificate: async () => CERTIFICATE,
    handlerFactory: fakeHandlers().factory,
  });
  return { tab, model };
}

/** Lets everything happen that needs no time. Fake timers must be on. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await vi.advanceTimersByTimeAsync(0);
}
