/** The page in the browser. */
import { render } from "preact"
import { App } from "./App.tsx"
import * as Store from "./Store.ts"

render(<App store={Store.make()} />, document.body)
