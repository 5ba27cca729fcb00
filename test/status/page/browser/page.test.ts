/** The page in a browser, served by real servers: what people see, and what they can do. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as EventText from "../../../../src/status/EventText.ts"
import * as Browser from "./Browser.ts"

const { isMissing, open, three, token } = Browser

/** Waits until something on the page has that text. */
const see = ({ page }: Browser.Watched, selector: string, text: string | RegExp) =>
  Effect.promise(() => page.locator(selector).filter({ hasText: text }).first().waitFor())

const click = ({ page }: Browser.Watched, name: string, within = "body") =>
  Effect.promise(() => page.locator(within).getByRole("button", { name, exact: true }).click())

const nothingAmiss = ({ amiss }: Browser.Watched) => assert.deepStrictEqual(amiss, [])

describe.skipIf(isMissing)("the page", () => {
  it.live("shows the group, and after the leader was killed who leads then, and why", () =>
    Effect.gen(function*() {
      const { servers: [alpha, , gamma] } = yield* three()
      const watched = yield* open(gamma.url)
      yield* see(watched, ".link", "Live")
      yield* see(watched, ".leading .who", "alpha")
      yield* see(watched, "section.members tbody tr", "gamma")
      yield* alpha.running.kill("SIGKILL")
      const removed = yield* gamma.running.event("MemberRemoved", ({ member }) => member.name === "alpha")
      // A busy machine may pause one that leads: what the server itself told is what its page must show.
      const changed = yield* gamma.running.event("LeaderChanged", ({ leader }) => leader?.name === "beta")
      yield* see(watched, ".leading .who", "beta")
      yield* see(watched, ".leading", /beta .* leads: /)
      yield* see(watched, ".log li", EventText.describe(changed))
      // Whether there is an ELECTION depends on which of the two notices first; the new leader says it in any case.
      yield* see(watched, ".said li", "COORDINATOR")
      // The evidence of the removal, on click.
      yield* Effect.promise(() =>
        watched.page.locator(".log button", { hasText: EventText.describe(removed) }).first().click()
      )
      yield* see(watched, ".details dt", /Evidence|Silent for/)
      // And of the reign, in the time line.
      yield* Effect.promise(() => watched.page.locator(`.bar.reign[aria-label="Leader: alpha"]`).first().click())
      yield* see(watched, ".details dt", "Ended by")
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("makes the leader resign, once the token was entered, and asks for it once", () =>
    Effect.gen(function*() {
      const { servers: [alpha, beta] } = yield* three()
      const watched = yield* open(alpha.url)
      yield* see(watched, ".leading .who", "alpha")
      yield* click(watched, "Resign")
      yield* Effect.promise(() => watched.page.getByLabel("Token of this server").fill("fedcba9876543210"))
      yield* click(watched, "Resign", "dialog")
      yield* see(watched, "dialog .refusal", "The bearer token is missing, or it is another one.")
      assert.isUndefined(
        alpha.running.events.find((event) => event.event === "LeaderChanged" && event.cause === "Resigned")
      )
      yield* Effect.promise(() => watched.page.getByLabel("Token of this server").fill(token))
      yield* click(watched, "Resign", "dialog")
      yield* see(watched, ".leading", "Done: resign.")
      yield* beta.running.event("LeaderChanged", ({ cause }) => cause === "Resigned")
      yield* click(watched, "Step down")
      assert.strictEqual(yield* Effect.promise(() => watched.page.getByLabel("Token of this server").count()), 0)
      yield* click(watched, "Step down", "dialog")
      yield* see(watched, ".leading", "This server does not stand for")
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("hands the lead over, sends a message, and changes nothing when the question is not confirmed", () =>
    Effect.gen(function*() {
      const { servers: [alpha, beta, gamma] } = yield* three()
      const watched = yield* open(alpha.url)
      yield* see(watched, ".leading .who", "alpha")
      yield* click(watched, "Transfer")
      yield* click(watched, "Cancel", "dialog")
      yield* Effect.promise(() => watched.page.getByLabel("To everybody in the group").fill("hello"))
      yield* click(watched, "Send")
      yield* Effect.promise(() => watched.page.getByLabel("Token of this server").fill(token))
      yield* click(watched, "Send", "dialog")
      yield* gamma.running.event("MessageReceived", ({ body }) => body === "hello")
      yield* see(watched, ".sending", "Sent: the leader has it.")
      assert.isUndefined(
        alpha.running.events.find((event) => event.event === "LeaderChanged" && event.cause === "Transferred")
      )
      yield* click(watched, "Transfer")
      yield* Effect.promise(() => watched.page.locator("dialog select").selectOption({ label: "gamma" }))
      yield* click(watched, "Transfer", "dialog")
      yield* beta.running.event("LeaderChanged", ({ leader }) => leader?.name === "gamma")
      yield* see(watched, ".leading .who", "gamma")
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("says of a server without a token that nothing can be changed there", () =>
    Effect.gen(function*() {
      const { servers: [alpha] } = yield* three(Browser.withoutToken)
      const watched = yield* open(alpha.url)
      yield* see(watched, ".leading .who", "alpha")
      yield* click(watched, "Resign")
      yield* Effect.promise(() => watched.page.getByLabel("Token of this server").fill(token))
      yield* click(watched, "Resign", "dialog")
      yield* see(watched, "dialog .refusal", "No token is set on this server")
      yield* see(watched, ".leading .who", "alpha")
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("says that it is stale without a network, and goes on when there is one", () =>
    Effect.gen(function*() {
      const { servers: [alpha, , gamma] } = yield* three()
      const watched = yield* open(gamma.url)
      yield* see(watched, ".link", "Live")
      yield* Effect.promise(() => watched.page.context().setOffline(true))
      yield* see(watched, ".link", /What is shown is from/)
      yield* see(watched, ".leading .who", "alpha")
      yield* alpha.running.kill("SIGKILL")
      yield* gamma.running.event("LeaderChanged", ({ leader }) => leader?.name === "beta")
      yield* Effect.promise(() => watched.page.context().setOffline(false))
      yield* see(watched, ".leading .who", "beta")
      yield* see(watched, ".link", "Live")
      // What happened meanwhile is in the log, and nothing twice.
      yield* see(watched, ".log li", /beta .* leads/)
      assert.strictEqual(
        yield* Effect.promise(() => watched.page.locator(".log li", { hasText: "started as" }).count()),
        1
      )
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("comes back when its server was started again, and offers the pages of others meanwhile", () =>
    Effect.gen(function*() {
      const { group, servers: [alpha, beta, gamma] } = yield* three()
      const watched = yield* open(gamma.url)
      yield* see(watched, ".link", "Live")
      // Pages are announced by heartbeats.
      for (const name of ["alpha", "beta"]) yield* see(watched, "nav a", name)
      yield* gamma.running.kill("SIGKILL")
      yield* see(watched, ".link", "The server does not answer.")
      const offered = yield* Effect.promise(() =>
        watched.page.locator("nav a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))
      )
      assert.deepStrictEqual(offered, [alpha.url, beta.url])
      yield* Browser.serve(group, "gamma", "--priority", "1", "--http", new URL(gamma.url).host)
      yield* see(watched, ".link", "Live")
      yield* see(watched, ".log li", "started as gamma")
      assert.strictEqual(
        yield* Effect.promise(() => watched.page.locator(".log li", { hasText: "started as" }).count()),
        1
      )
      nothingAmiss(watched)
    }).pipe(Effect.scoped))

  it.live("shows in lease mode the lease as it runs down, and who has voted", () =>
    Effect.gen(function*() {
      const { servers: [alpha, beta] } = yield* three("--leadership", "lease", "--group-size", "3")
      const watched = yield* open(alpha.url)
      yield* see(watched, ".lease", /It holds the lease for .* more unless it is renewed\./)
      yield* see(watched, ".votes li", /(beta|gamma) has voted/)
      const other = yield* open(beta.url)
      // On a busy host alpha may have lost the lead meanwhile.
      yield* see(other, ".lease", /This server has promised to follow \w+ for|It holds the lease for/)
      nothingAmiss(watched)
      nothingAmiss(other)
    }).pipe(Effect.scoped))

  it.live("asks for the token before it shows anything where the server is closed to others", () =>
    Effect.gen(function*() {
      const { servers: [alpha] } = yield* three("--http", "0.0.0.0:0")
      const url = alpha.url.replace("0.0.0.0", "127.0.0.1")
      const watched = yield* open(url)
      yield* see(watched, "h2", "This server is open to those who have its token")
      yield* Effect.promise(() => watched.page.getByLabel("Token of this server").fill(token))
      yield* click(watched, "Open")
      yield* see(watched, ".leading .who", "alpha")
      nothingAmiss(watched)
    }).pipe(Effect.scoped))
})
