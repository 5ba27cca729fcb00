/**
 * Entities of Effect Cluster on three hosts, each a network namespace: one is cut off, frozen for longer than its locks last, and killed.
 * What they count goes on elsewhere, and nothing is written under a lock that was over.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { counting, type Line, names } from "../../examples/cluster/Counters.ts"
import { runsTypeScript } from "../examples/Process.ts"
import * as Lan from "./Lan.ts"

const runners = ["first", "second", "third"]

/** In a folder that goes with the test. */
const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-"))),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => {
    const path = Path.join(folder, "counters.jsonl")
    Fs.writeFileSync(path, "")
    return path
  }
)

const startOn = (host: Lan.Host, name: string, path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const words = ["--pdeathsig", "KILL", "ip", "netns", "exec", host.name, process.execPath]
      const given = Object.entries(process.env).filter(([name]) => !name.startsWith("BELLWETHER_"))
      return spawn("setpriv", [...words, Path.join(import.meta.dirname, "cluster.process.ts"), name, path], {
        env: {
          ...Object.fromEntries(given),
          BELLWETHER_GROUP: "counters",
          BELLWETHER_PROFILE: "fast",
          BELLWETHER_LEADERSHIP: "lease",
          BELLWETHER_GROUP_SIZE: "3"
        },
        stdio: "ignore"
      })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Waits until it is so. The test's own time limit ends it. */
const until = (isSo: () => boolean) => Effect.repeat(Effect.sleep("100 millis"), { until: () => isSo() })

describe.skipIf(Lan.skip || !runsTypeScript)(`a cluster on three hosts${Lan.because}`, Lan.together, () => {
  it.live("counts on elsewhere when one is cut off, frozen or killed, and writes nothing under a lock that is over", () =>
    Effect.scoped(Effect.gen(function*() {
      const path = yield* file
      const lan = yield* Lan.make
      const hosts = new Map<string, Lan.Host>()
      const children = new Map<string, ChildProcess>()
      for (const [at, name] of runners.entries()) {
        const host = yield* lan.hostAt(`192.0.2.${at + 1}/24`)
        hosts.set(name, host)
        children.set(name, yield* startOn(host, name, path))
      }
      const lines = (): ReadonlyArray<Line> =>
        Fs.readFileSync(path, "utf8").split("\n").filter((text) => text !== "").map((text) => JSON.parse(text) as Line)
      /** All counters are counted from now on, none by that one; how many ms that took. */
      const goesOn = Effect.fnUntraced(function*(but: string) {
        const from = lines().length
        const began = yield* Clock.currentTimeMillis
        yield* until(() =>
          new Set(lines().slice(from).filter(({ by }) => by !== but).map(({ counter }) => counter)).size ===
            names.length
        )
        return (yield* Clock.currentTimeMillis) - began
      })
      yield* goesOn("nobody")
      // One that has some: of six counters a hash may give one host none.
      const { by } = lines().at(-1)!
      /** It is back when it counts again. */
      const isBack = Effect.suspend(() => {
        const from = lines().length
        return until(() => lines().slice(from).some((line) => line.by === by))
      })
      const took: Record<string, number> = {}
      yield* lan.disconnect(hosts.get(by)!, "eth0")
      took["cut off"] = yield* goesOn(by)
      yield* lan.connect(hosts.get(by)!, "eth0", "br0")
      yield* isBack
      children.get(by)!.kill("SIGSTOP")
      took["frozen"] = yield* goesOn(by)
      children.get(by)!.kill("SIGCONT")
      yield* isBack
      children.get(by)!.kill("SIGKILL")
      took["killed"] = yield* goesOn(by)
      yield* Effect.logDebug(took)
      const written = lines()
      assert.deepStrictEqual(counting(written), written, "nothing was written under a lock that was over")
      for (const name of names) {
        const values = written.filter(({ counter }) => counter === name).map(({ value }) => value)
        assert.deepStrictEqual(values, values.map((_, at) => at + 1))
      }
    })))
})
