/** What an operator commands over the network, with real processes on loopback: with a key, and without. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Process from "./process.ts"

const key = "0123456789abcdef".repeat(4)
const fast = { BELLWETHER_PROFILE: "fast" }

const serve = (env: Record<string, string>, name: string, priority: number) =>
  Process.start(["serve", "--json", "--name", name, "--priority", String(priority)], { ...env, ...fast })

/** Two servers, `high` leads. */
const pair = Effect.fnUntraced(function*(env: Record<string, string>) {
  const high = yield* serve(env, "high", 2)
  yield* high.event("LeaderChanged")
  const low = yield* serve(env, "low", 1)
  yield* low.event("LeaderChanged", ({ leader }) => leader?.name === "high")
  yield* high.event("MemberJoined")
  return { high, low }
})

describe("a command over the network", () => {
  it.live.each([["without a key, on loopback", {}], ["with a key", { BELLWETHER_KEY: key }]] as const)(
    "%s: the server does it, tells who asked, and the other leads",
    ([, keys]) =>
      Effect.gen(function*() {
        // Else the rank decides again after a moment.
        const env = { ...(yield* Process.group), ...keys, BELLWETHER_PREEMPT: "off" }
        const { high, low } = yield* pair(env)
        const resigned = yield* Process.run(["resign", "--at", "high"], env)
        assert.deepStrictEqual([resigned.stderr, resigned.code], ["", 0])
        assert.match(resigned.stdout, /^high \(127\.0\.0\.1:\d+\) gives the lead up\n$/)
        const { by, command, outcome } = yield* high.event("Commanded")
        assert.match(by, /.+@.+/)
        assert.deepStrictEqual([command, outcome], ["Resign", "Done"])
        yield* low.event("LeaderChanged", ({ leader }) => leader?.name === "low")
        const again = yield* Process.run(["resign", "--at", "high", "--json"], env)
        assert.deepStrictEqual([again.code, again.stdout], [1, ""])
        assert.match(again.stderr, /^bellwether: high \(.*\) refuses: it does not lead\n$/)
        const handed = yield* Process.run(["transfer", "--to", "high", "--at", "low", "--json"], env)
        assert.deepInclude(JSON.parse(handed.stdout), { command: "Transfer", outcome: "Done" })
        yield* high.event("LeaderChanged", ({ cause }) => cause === "Transferred")
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("evicts one that does not answer, and not one that does", () =>
    Effect.gen(function*() {
      const env = { ...(yield* Process.group), BELLWETHER_LINKS: "off", BELLWETHER_MEMBER_TIMEOUT: "1h" }
      const { high, low } = yield* pair(env)
      const stays = yield* Process.run(["evict", "low"], env)
      assert.deepStrictEqual([stays.code, stays.stdout], [1, ""])
      assert.match(stays.stderr, /refuses: low \(.*\) answers, so it stays\n$/)
      low.child.kill("SIGSTOP")
      const gone = yield* Process.run(["evict", "low", "--timeout", "20s"], env)
      assert.deepStrictEqual([gone.stderr, gone.code], ["", 0])
      const { reason } = yield* high.event("MemberRemoved")
      assert.strictEqual(reason._tag, "Evicted")
      low.child.kill("SIGCONT")
      yield* high.event("MemberJoined", ({ member }) => member.name === "low")
    }).pipe(Effect.scoped), 120_000)

  it.live(
    "to a member that is none, to nobody, or without one is refused with what is allowed",
    () =>
      Effect.gen(function*() {
        const env = yield* Process.group
        yield* pair(env)
        const unknown = yield* Process.run(["resign", "--at", "hihg"], env)
        assert.match(unknown.stderr, /^bellwether: --at is hihg; allowed: .*: high, low; did you mean high\?\n$/)
        assert.strictEqual(unknown.code, 2)
        const missing = yield* Process.run(["transfer", "--at", "high"], env)
        assert.match(missing.stderr, /^bellwether: --to is missing; allowed: /)
        assert.strictEqual(missing.code, 2)
        const nobody = yield* Process.run(["resign", "--at", "high", "--timeout", "300ms"], yield* Process.group)
        assert.strictEqual(nobody.code, 3)
      }).pipe(Effect.scoped),
    120_000
  )
})
