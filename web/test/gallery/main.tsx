/** Shows one scene: `?scene=three`. */
import "@fontsource-variable/figtree/wght.css";
import "../../src/page/style/index.css";
import { render } from "preact";
import { App } from "../../src/page/app";
import { Store } from "../../src/page/store";
import type { Actions, PageModel } from "../../src/page/view";
import { madeUpHistory, SCENES } from "./scenes";

const view = SCENES[new URLSearchParams(location.search).get("scene") ?? "three"];
const root = document.getElementById("page");
if (view === undefined || root === null) throw new Error("no such scene");

const nothing = new Proxy({}, { get: () => () => undefined }) as Actions;
const model: PageModel = {
  store: new Store({ ...view, toldConnection: view.connection }),
  actions: nothing,
  history: madeUpHistory(),
  level: () => -24,
};
render(<App model={model} />, root);
