/** Where the page starts. */
import "@fontsource-variable/figtree/wght.css";
import "./style/index.css";
import { render } from "preact";
import { App } from "./app";
import { createHook } from "./hook";
import { Model } from "./model";

const model = new Model();
window.hocket = createHook(model);
const root = document.getElementById("page");
if (root !== null) render(<App model={model} />, root);
