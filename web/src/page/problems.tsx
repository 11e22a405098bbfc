/** What is wrong, in words, with a button where something can be done. */
import { AlertIcon, InfoIcon } from "./icons";
import type { Actions, View } from "./view";
import { type Problem, problems, type Remedy } from "./words";

export function Problems({ view, actions }: { readonly view: View; readonly actions: Actions }) {
  // The regions are always there: screen readers speak what changes inside of one, not a region that appears.
  const found = problems(view);
  const ofKind = (kind: Problem["kind"]): readonly Problem[] => found.filter((problem) => problem.kind === kind);
  return (
    <div class="problems">
      <div role="alert">
        {ofKind("error").map((problem) => (
          <Card key={problem.code} problem={problem} actions={actions} />
        ))}
      </div>
      <div role="status">
        {ofKind("info").map((problem) => (
          <Card key={problem.code} problem={problem} actions={actions} />
        ))}
      </div>
    </div>
  );
}

function Card({ problem, actions }: { readonly problem: Problem; readonly actions: Actions }) {
  const { code, kind, title, text, remedy } = problem;
  return (
    <section class={`problem ${kind}`} data-testid="problem" data-code={code}>
      {kind === "error" ? <AlertIcon /> : <InfoIcon />}
      <div class="problem-words">
        <h2>{title}</h2>
        {text !== "" && <p>{text}</p>}
      </div>
      {remedy !== undefined && (
        <button type="button" class="button small" onClick={() => carryOut(remedy.action, actions)}>
          {remedy.label}
        </button>
      )}
    </section>
  );
}

function carryOut(remedy: Remedy, actions: Actions): void {
  const remedies: Readonly<Record<Remedy, () => void>> = {
    "retry-microphone": actions.retryMicrophone,
    "retry-connection": actions.retryConnection,
    "play-sound": actions.playSound,
    join: actions.join,
    "close-note": actions.closeNote,
  };
  remedies[remedy]();
}
