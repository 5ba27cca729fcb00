/**
 * The example of counters in a cluster, as its user runs it: three processes on loopback, of which one is frozen for longer than its
 * locks last, then killed.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { counting, type Line, names } from "../../examples/cluster/Counters.ts"
import * as Process from "./Process.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-example-"))
const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
  Fs.rmSync(directory, { recursive: true, force: true })
})

const path = Path.join(directory, "counters.jsonl")
const lines = (): ReadonlyArray<Line> =>
  Fs.readFileSync(path, "utf8").trimEnd().split("\n").map((text) => JSON.parse(text) as Line)

/** Waits until all counters were counted by others than this one, each in lines after the first so many. */
const countedByOthers = async (name: string, from: number, others: ReadonlyArray<Process.Process>): Promise<void> => {
  while (true) {
    const counted = new Set(lines().slice(from).filter(({ by }) => by !== name).map(({ counter }) => counter))
    if (counted.size === names.length) return
    await Promise.race(others.map((one) => one.line("counts")))
  }
}

describe("the example of a cluster", () => {
  it.runIf(Process.runsTypeScript)(
    "counts each counter on one process at a time, and elsewhere when its process is frozen or killed",
    async () => {
      const port = 20_000 + process.pid % 20_000
      const start = (name: string, at: number) => {
        const one = Process.start("examples/cluster/main.ts", [name], {
          BELLWETHER_GROUP: `example-${process.pid}`,
          BELLWETHER_PORT: String(port),
          BELLWETHER_INTERFACES: "lo",
          BELLWETHER_TTL: "0",
          BELLWETHER_PROFILE: "fast",
          BELLWETHER_LEADERSHIP: "lease",
          BELLWETHER_GROUP_SIZE: "3",
          BELLWETHER_PRIORITY: String(at),
          RUNNER_PORT: String(port + at),
          COUNTERS: path
        })
        started.push(one)
        return one
      }
      const all = new Map(["first", "second", "third"].map((name, at) => [name, start(name, at + 1)]))
      await Promise.race([...all.values()].map((one) => one.line("counts")))
      await countedByOthers("nobody", 0, [...all.values()])
      // One that has some: of six counters a hash may give one process none.
      const { by } = lines().at(-1)!
      const one = all.get(by)!
      const others = [...all.values()].filter((other) => other !== one)
      one.kill("SIGSTOP")
      await countedByOthers(by, lines().length, others)
      one.kill("SIGCONT")
      const woken = lines().length
      await countedByOthers("nobody", woken, others)
      while (!lines().slice(woken).some((line) => line.by === by)) await others[0]!.line("counts")
      one.kill("SIGKILL")
      await countedByOthers(by, lines().length, others)
      for (const other of others) {
        other.kill("SIGTERM")
        await other.ended
      }
      const written = lines()
      assert.deepStrictEqual(counting(written), written, "nothing was written under a lock that was over")
      for (const name of names) {
        const values = written.filter(({ counter }) => counter === name).map(({ value }) => value)
        assert.deepStrictEqual(values, values.map((_, at) => at + 1))
      }
    },
    120_000
  )

  it("does not count what was written under a lock that was over", () => {
    const line = (token: string, value: number): Line => ({ counter: "figs", token, value, by: "" })
    const [old, late, recent] = [line("1-a", 1), line("1-a", 2), line("2-b", 2)]
    assert.deepStrictEqual(counting([old, recent, late]), [old, recent])
  })
})
