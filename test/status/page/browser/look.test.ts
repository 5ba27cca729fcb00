/** How the page looks: for everybody, on every screen, and with many members. */
import { assert, describe, it } from "@effect/vitest"
import axe from "axe-core"
import * as Effect from "effect/Effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import * as Browser from "./Browser.ts"
import * as Crowd from "./Crowd.ts"

const { isMissing, open, picture, three } = Browser

/** What a screen reader, a keyboard or weak eyes would stumble over. */
const stumbles = (page: Page) =>
  Effect.promise(async () => {
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate<axe.AxeResults>("axe.run()")
    return violations.map(({ help, id, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`)
  })

const screens = [
  ["a desktop in light", { colorScheme: "light" }],
  ["a desktop in dark", { colorScheme: "dark" }],
  ["a phone in light", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ["a phone in dark", { colorScheme: "dark", viewport: { width: 390, height: 844 } }],
  ["a wall screen", { colorScheme: "dark", viewport: { width: 2560, height: 1440 } }]
] as const

const lookAt = Effect.fnUntraced(function*(url: string, name: string, options: BrowserContextOptions) {
  // What looks for stumbling blocks is a script that the page's own policy would not let in.
  const { page } = yield* open(url, { ...options, bypassCSP: true })
  yield* Effect.promise(() => page.locator(".log li", { hasText: "beta" }).first().waitFor())
  assert.deepStrictEqual(yield* stumbles(page), [], name)
  yield* Effect.promise(() => page.locator(".log button", { hasText: "is gone" }).first().click())
  yield* Effect.promise(() => page.locator(".details").waitFor())
  assert.deepStrictEqual(yield* stumbles(page), [], `${name}, with details`)
  // What a phone shows in detail covers the ring.
  if (options.viewport?.width === 390) yield* Effect.promise(() => page.keyboard.press("Escape"))
  yield* picture(page, name.replaceAll(" ", "-"))
  const overflow = yield* Effect.promise(() =>
    page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
  )
  assert.strictEqual(overflow, 0, name)
  yield* Effect.promise(() => page.keyboard.press("Escape"))
  yield* Effect.promise(() => page.getByRole("button", { name: "Step down" }).click())
  assert.deepStrictEqual(yield* stumbles(page), [], `${name}, with a question`)
})

describe.skipIf(isMissing)("the page", () => {
  it.live(
    "is accessible and as wide as the screen, in light and in dark, on a phone and on a wall",
    () =>
      Effect.gen(function*() {
        const { servers: [alpha, beta] } = yield* three("--leadership", "lease", "--group-size", "3")
        yield* alpha.running.kill("SIGKILL")
        yield* beta.running.event("LeaderChanged", ({ leader }) => leader?.name === "beta")
        for (const [name, options] of screens) yield* Effect.scoped(lookAt(beta.url, name, options))
      }).pipe(Effect.scoped),
    240_000
  )

  it.live("stays readable and accessible with two hundred members", () =>
    Effect.gen(function*() {
      const { url } = yield* Crowd.serve(200)
      const { amiss, page } = yield* open(url, { bypassCSP: true, colorScheme: "dark" })
      yield* Effect.promise(() => page.locator("section.members tbody tr").nth(199).waitFor())
      yield* Effect.promise(() => page.locator(".said li", { hasText: "COORDINATOR" }).first().waitFor())
      yield* picture(page, "two-hundred")
      assert.deepStrictEqual(yield* stumbles(page), [])
      const sizes = yield* Effect.promise(() =>
        page.locator(".ring .member circle").evaluateAll((circles) =>
          circles.map((one) => one.getBoundingClientRect().width)
        )
      )
      assert.lengthOf(sizes, 200)
      assert.isAtLeast(Math.min(...sizes), 8, "each can be told from the next, and clicked on")
      assert.deepStrictEqual(amiss, [])
    }).pipe(Effect.scoped))

  it.live("is used by keyboard alone", () =>
    Effect.gen(function*() {
      const { servers: [alpha] } = yield* three()
      const { page } = yield* open(alpha.url)
      yield* Effect.promise(() => page.locator("section.members button", { hasText: "beta" }).focus())
      yield* Effect.promise(() => page.keyboard.press("Enter"))
      yield* Effect.promise(() => page.locator(".details h2", { hasText: "beta" }).waitFor())
      yield* Effect.promise(() => page.keyboard.press("Escape"))
      yield* Effect.promise(() => page.locator(".details").waitFor({ state: "detached" }))
      yield* Effect.promise(() => page.locator(".lanes").focus())
      yield* Effect.promise(() => page.keyboard.press("-"))
      yield* Effect.promise(() => page.keyboard.press("ArrowLeft"))
      yield* Effect.promise(() => page.locator("button[aria-pressed=false]", { hasText: "Now" }).waitFor())
      yield* Effect.promise(() => page.keyboard.press("End"))
      yield* Effect.promise(() => page.locator("button[aria-pressed=true]", { hasText: "Now" }).waitFor())
    }).pipe(Effect.scoped))
})
