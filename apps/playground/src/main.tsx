import { render } from "preact";
import { App } from "./app.js";
import { begin } from "./state/store.js";
import "./style.css";

begin();
render(<App />, document.querySelector("#app")!);
