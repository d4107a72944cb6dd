import { render } from "preact";
import { App } from "./app.js";
import { beginLayouts } from "./state/layout.js";
import { begin } from "./state/store.js";
import "./style.css";

begin();
beginLayouts();
render(<App />, document.querySelector("#app")!);
