/** The whole page: the lobby or the call, and what is spoken to screen readers. */
import { useEffect } from "preact/hooks";
import { Call } from "./call";
import { Lobby } from "./lobby";
import { useShortcuts } from "./shortcuts";
import { useStore } from "./store";
import type { PageModel } from "./view";

export function App({ model }: { readonly model: PageModel }) {
  const view = useStore(model.store);
  const inCall = view.stage !== "lobby";
  useShortcuts(model.actions, inCall);
  useEffect(() => {
    document.title = inCall ? `${view.channel} · Hocket` : "Hocket";
  }, [inCall, view.channel]);
  return (
    <>
      {inCall ? <Call view={view} model={model} /> : <Lobby view={view} actions={model.actions} />}
      <p class="spoken" role="status" aria-live="polite" data-testid="announcer">
        {view.announcement}
      </p>
    </>
  );
}
