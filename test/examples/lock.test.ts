/**
 * The example of a file that one process at a time appends to, as its user runs it: three processes on loopback, of which one is
 * frozen, then killed, while it has the lock.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { counting, type Entry } from "../../examples/lock/Journal.ts"
import * as Process from "./Process.ts"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-example-"))
const started: Array<Process.Process> = []

afterEach(async () => {
  for (const one of started) one.kill("SIGKILL")
  await Promise.all(started.map(({ ended }) => ended))
  Fs.rmSync(directory, { recursive: true, force: true })
})

const numberIn = (line: string): number => Number(/\d+$/.exec(line)?.[0])

const writesAfter = async (one: Process.Process, number: number): Promise<void> => {
  while (numberIn(await one.line("has written")) <= number);
}

describe("the example of a lock", () => {
  it.runIf(Process.runsTypeScript)(
    "lets one process at a time append, and the others go on when it is frozen or killed in the middle",
    async () => {
      const path = Path.join(directory, "journal.jsonl")
      const start = (name: string, priority: number) => {
        const one = Process.start("examples/lock/main.ts", [name], {
          BELLWETHER_GROUP: `example-${process.pid}`,
          BELLWETHER_PORT: String(20_000 + process.pid % 20_000),
          BELLWETHER_INTERFACES: "lo",
          BELLWETHER_TTL: "0",
          BELLWETHER_PRIORITY: String(priority),
          BELLWETHER_PROFILE: "fast",
          BELLWETHER_LEADERSHIP: "lease",
          BELLWETHER_GROUP_SIZE: "3",
          JOURNAL: path
        })
        started.push(one)
        return one
      }
      const [first, second, third] = [start("first", 1), start("second", 2), start("third", 3)]
      await Promise.all([first, second, third].map((one) => one.line("has written")))
      // Frozen in the middle until others have the lock: then it writes nothing, and goes on. It may have written just before.
      for (let isLost = false; !isLost;) {
        const frozen = numberIn(await first.line("first begins"))
        first.kill("SIGSTOP")
        await Promise.race([second, third].map((one) => writesAfter(one, frozen)))
        first.kill("SIGCONT")
        isLost = (await first.line("first")).includes("is held no more")
      }
      await first.line("has written")
      const killed = numberIn(await first.line("first begins"))
      first.kill("SIGKILL")
      await Promise.all([second, third].map((one) => writesAfter(one, killed)))
      for (const one of [second, third]) {
        one.kill("SIGTERM")
        await one.ended
      }
      const entries = Fs.readFileSync(path, "utf8").trimEnd().split("\n").map((text) => JSON.parse(text) as Entry)
      assert.deepStrictEqual(counting(entries), entries, "nothing was written under a lock that was over")
      assert.deepStrictEqual(entries.map(({ number }) => number), entries.map((_, at) => at + 1))
    },
    120_000
  )

  it("does not count what was written under a lock that was over", () => {
    const entry = (token: string, number: number): Entry => ({ token, number, by: "" })
    const [old, late, recent] = [entry("1-a", 1), entry("1-a", 2), entry("2-b", 2)]
    assert.deepStrictEqual(counting([old, recent, late]), [old, recent])
  })
})
