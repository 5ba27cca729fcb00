/**
 * The example of commands over the network, as its user runs it: two servers on loopback, one of which is made ready for
 * maintenance by another process.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Process from "./Process.ts"

const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
})

const env = {
  BELLWETHER_GROUP: `example-${process.pid}`,
  BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
  BELLWETHER_INTERFACES: "lo",
  BELLWETHER_TTL: "0",
  BELLWETHER_PROFILE: "fast"
}

const start = (file: string, args: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) => {
  const one = Process.start(`examples/commands/${file}.ts`, args, { ...env, ...more })
  started.push(one)
  return one
}

describe("the example of commands over the network", () => {
  it.runIf(Process.runsTypeScript)(
    "hands the lead of a server over, and keeps it from leading",
    async () => {
      const serve = (name: string, priority: number) =>
        start("main", [], { BELLWETHER_NAME: name, BELLWETHER_PRIORITY: String(priority) })
      const first = serve("first", 2)
      await first.line("first leads")
      const second = serve("second", 1)
      await second.line("first leads")
      const maintain = start("maintain", ["first"])
      assert.match(await maintain.line("first"), /^first \(127\.0\.0\.1:\d+\) hands the lead to second/)
      assert.match(await maintain.line("first"), /^first \(127\.0\.0\.1:\d+\) does not take the lead for 1h/)
      await maintain.line("first is ready for maintenance")
      assert.strictEqual(await maintain.ended, 0, maintain.said())
      assert.match(await first.line("Transfer"), /^.+@.+ commands Transfer: Done$/)
      await second.line("second leads")
      const nobody = start("maintain", ["third"])
      await nobody.line("--at is third; allowed: ")
      assert.notStrictEqual(await nobody.ended, 0)
    },
    120_000
  )
})
