/**
 * The example of a job that runs only on the leader, as its user runs it: two processes on loopback, the package by its
 * name and from `dist`.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { counting, type Entry } from "../../examples/leader-job/Ledger.ts"
import * as Process from "./Process.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-example-"))
const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
  Fs.rmSync(directory, { recursive: true, force: true })
})

describe("the example of a job for the leader", () => {
  it.runIf(Process.runsTypeScript)(
    "runs on the leader, and on the other once that is stopped",
    async () => {
      const ledger = Path.join(directory, "ledger.jsonl")
      const start = (name: string, priority: number) => {
        const one = Process.start("examples/leader-job/main.ts", [name], {
          BELLWETHER_GROUP: `example-${process.pid}`,
          BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
          BELLWETHER_INTERFACES: "lo",
          BELLWETHER_TTL: "0",
          BELLWETHER_PRIORITY: String(priority),
          LEDGER: ledger
        })
        started.push(one)
        return one
      }
      const first = start("first", 2)
      await first.line("first leads")
      const second = start("second", 1)
      await second.line("second is there")
      await first.line("first: round")
      first.kill("SIGTERM")
      await first.line("first leads no more")
      assert.strictEqual(await first.ended, 0, first.said())
      await second.line("second leads")
      await second.line("second: round")
      second.kill("SIGTERM")
      assert.strictEqual(await second.ended, 0, second.said())

      const entries = Fs.readFileSync(ledger, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Entry)
      const valid = counting(entries)
      assert.deepStrictEqual(valid, entries, "nothing was written under a reign that was over")
      const rounds = valid.filter(({ text }) => text.startsWith("round"))
      assert.deepStrictEqual(rounds.map(({ text }) => text), rounds.map((_, at) => `round ${at + 1}`))
      const reigns = valid.filter(({ text }) => !text.startsWith("round")).map(({ by, text }) => `${by} ${text}`)
      assert.deepStrictEqual(reigns, ["first open", "first close", "second open", "second close"])
    }
  )

  it("does not count what a deposed leader writes too late", () => {
    const entry = (token: string, text: string): Entry => ({ token, by: "", text })
    const [old, late, recent] = [entry("1-a", "round 1"), entry("1-a", "round 2"), entry("2-b", "open")]
    assert.deepStrictEqual(counting([old, recent, late]), [old, recent])
  })
})
