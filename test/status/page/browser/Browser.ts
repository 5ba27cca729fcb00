/** A browser that looks at pages of real servers, and notes what they should not do. */
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Os from "node:os"
import * as Path from "node:path"
import { chromium } from "playwright-core"
import type { BrowserContextOptions, Page } from "playwright-core"
import * as Process from "../../../cli/process.ts"

const found = spawnSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" }).stdout.trim()

/** Without a browser these tests are left out; where they must run, they fail. */
export const isMissing = found === "" && process.env["CI"] !== "true"

export const token = "0123456789abcdef"

/** What the servers are to go before. */
const asUsual = (): void => {
  try {
    Os.setPriority(0)
  } catch {
    // Then nothing goes before anything.
  }
}

/** The browser itself, for as long as the scope. */
const launch = Effect.acquireRelease(
  Effect.promise(async () => {
    asUsual()
    // As root, which most containers are, it has no sandbox.
    const browser = await chromium.launch({ executablePath: found, args: ["--no-sandbox"] })
    Process.goFirst()
    return browser
  }),
  (browser) => Effect.promise(() => browser.close())
)

/** A page, and all that it did amiss: errors, and requests to anybody but its own server. */
export interface Watched {
  readonly page: Page
  readonly amiss: ReadonlyArray<string>
}

/** Opens a page. Answers that say no are part of the game, and so are connections that end. */
export const open = Effect.fnUntraced(function*(url: string, options: BrowserContextOptions = {}) {
  const browser = yield* launch
  const context = yield* Effect.promise(() =>
    browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  )
  const page = yield* Effect.promise(() => context.newPage())
  page.setDefaultTimeout(45_000)
  const amiss: Array<string> = []
  page.on("pageerror", (error) => amiss.push(String(error)))
  page.on("console", (message) => {
    const isLost = message.text().startsWith("Failed to load resource")
    if (message.type() === "error" && !isLost || message.type() === "warning") amiss.push(message.text())
  })
  page.on("request", (request) => {
    const asked = request.url()
    if (!asked.startsWith(url) && !asked.startsWith("data:")) amiss.push(`asked ${asked}`)
  })
  yield* Effect.promise(() => page.goto(url))
  const watched: Watched = { page, amiss }
  return watched
})

/** A server with its page. */
export interface Served {
  readonly running: Process.Running
  readonly name: string
  /** With a slash at its end. */
  readonly url: string
}

/** So slow that a busy machine does not pause a server for long enough to end its reign. */
const pace = ["--profile", "fast", "--heartbeat-interval", "1500ms", "--member-timeout", "5s"]

/** Starts a server of a group that listens where it is told, or anywhere, and waits for its page. */
export const serve = Effect.fnUntraced(function*(
  env: Record<string, string>,
  name: string,
  ...flags: ReadonlyArray<string>
) {
  const where = flags.includes("--http") ? [] : ["--http", "127.0.0.1:0"]
  const running = yield* Process.start(["--json", "--name", name, ...pace, ...where, ...flags], env)
  const url = yield* running.until(() => /http:\/\/[\d.]+:\d+/.exec(running.stderr)?.[0])
  const served: Served = { running, name, url: `${url}/` }
  return served
})

/** Said to {@link three} of servers on which nothing may be changed. */
export const withoutToken = "--without-token"

/** Three servers of a group of their own, which all know each other; `alpha` ranks highest. */
export const three = Effect.fnUntraced(function*(...flags: ReadonlyArray<string>) {
  Process.goFirst()
  // Its port tells it from groups of other tests: people look at pictures of it.
  const group: Record<string, string> = {
    ...yield* Process.group,
    BELLWETHER_GROUP: "orders",
    BELLWETHER_HTTP_TOKEN: token
  }
  if (flags.includes(withoutToken)) delete group["BELLWETHER_HTTP_TOKEN"]
  const given = flags.filter((flag) => flag !== withoutToken)
  const servers = yield* Effect.all([
    serve(group, "alpha", "--priority", "3", ...given),
    serve(group, "beta", "--priority", "2", ...given),
    serve(group, "gamma", "--priority", "1", ...given)
  ], { concurrency: "unbounded" })
  for (const { running } of servers) yield* running.event("LeaderChanged", ({ leader }) => leader?.name === "alpha")
  return { group, servers }
})

/** Where pictures go: a folder, or `docs` for those that the docs show; nowhere unless that is asked for. */
const pictures = process.env["BELLWETHER_PICTURES"]
const docs = Path.resolve(import.meta.dirname, "../../../../docs/images")

/** The pictures that the docs show, by what they are called there. */
const inDocs: Readonly<Record<string, string>> = {
  "a-desktop-in-light": "page-light",
  "a-phone-in-dark": "page-phone",
  "two-hundred": "page-two-hundred"
}

/** Takes a picture of what is seen at the top of a page, if pictures are wanted. */
export const picture = (page: Page, name: string) =>
  Effect.promise(async () => {
    const path = pictures === "docs"
      ? inDocs[name] && Path.join(docs, `${inDocs[name]}.png`)
      : pictures && Path.join(pictures, `${name}.png`)
    if (path === undefined || path === "") return
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot({ path })
  })
