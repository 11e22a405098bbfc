/** The link to the channel, to be sent to others. */
import { CheckIcon, LinkIcon } from "./icons";
import type { Actions, View } from "./view";

interface Props {
  readonly view: View;
  readonly actions: Actions;
}

/** @param primary nothing else matters at the moment. */
export function CopyLink({ view, actions, primary = false }: Props & { readonly primary?: boolean }) {
  const look = primary ? "button primary" : "button";
  return (
    <button type="button" class={look} title={view.link} data-testid="copy-link" onClick={actions.copyLink}>
      {view.copied ? <CheckIcon /> : <LinkIcon />}
      <span>{view.copied ? "Copied" : "Copy link"}</span>
    </button>
  );
}

/** The link itself beside the button: it can be read out, and selected by hand. */
export function ShareLink({ view, actions }: Props) {
  return (
    <div class="share-link">
      <input
        readOnly
        value={view.link}
        aria-label="Link to this channel"
        data-testid="channel-link"
        onFocus={(event) => event.currentTarget.select()}
      />
      <CopyLink view={view} actions={actions} primary />
    </div>
  );
}
