/**
 * Seeds by name where the name server is there and never answers: a look-up of the system's takes up to 20 s then and
 * cannot be called off (protocol 4).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Lan from "./Lan.ts"
import { allSeeAll, flags } from "./Views.ts"

const port = "47778"

/** A host that asks for names where nobody answers; it knows one name itself. */
const lost = Effect.gen(function*() {
  const lan = yield* Lan.make
  const mute = yield* lan.hostAt("192.0.2.53/24")
  yield* mute.run("iptables", "-A", "INPUT", "-p", "udp", "--dport", "53", "-j", "DROP")
  const host = yield* lan.hostAt("192.0.2.1/24")
  yield* host.nameServer("192.0.2.53")
  yield* host.names(["192.0.2.2 known"])
  return { lan, host }
})

const dead = ["one", "two", "three", "four", "five", "six"].map((name) => `${name}.example:${port}`)

/** All processes of a host have ended. */
const isIdle = (host: Lan.Host) =>
  host.run("ip", "netns", "pids", host.name).pipe(
    // What asks is one itself.
    Effect.repeat({ until: (pids) => pids.trim().split("\n").length <= 1 }),
    Effect.timeout("20 seconds")
  )

describe.skipIf(Lan.skip)(`names that nobody resolves${Lan.because}`, Lan.together, () => {
  it.live(
    "hide no other name, no change of keys and no time-out, and hold nobody's end (protocol 4)",
    Effect.fnUntraced(function*() {
      const { host, lan } = yield* lost
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "bellwether-"))),
        (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
      )
      const file = Path.join(folder, "keys")
      const keys: Array<string> = []
      const addKey = Effect.sync(() => {
        keys.push(randomBytes(32).toString("base64"))
        Fs.writeFileSync(file, `${keys.join("\n")}\n`, { mode: 0o600 })
      })
      yield* addKey
      const shared = ["--multicast", "off", "--key-file", file]
      const other = yield* (yield* lan.hostAt("192.0.2.2/24")).start(
        flags("other", 1, ...shared, "--unicast-port", port)
      )
      const seeds = [...shared, "--seeds", [...dead, `known:${port}`].join(",")]
      const server = yield* host.start(flags("server", 2, ...seeds))
      yield* allSeeAll({ server, other })
      yield* server.event("SeedUnresolved", ({ why }) => why.includes("no answer in time"))
      yield* addKey
      yield* server.event("KeysChanged")

      const elsewhere = ["--group", "elsewhere", "--multicast", "off", "--seeds", dead.join(","), "--timeout", "1s"]
      const asking = yield* host.start(["members", ...elsewhere])
      const [took, { code }] = yield* Effect.timed(asking.ended)
      assert.strictEqual(code, 3)
      assert.isBelow(Duration.toSeconds(took), 8)

      yield* server.kill("SIGTERM")
      const [ending, ended] = yield* Effect.timed(server.ended)
      assert.strictEqual(ended.code, 0)
      assert.isBelow(Duration.toSeconds(ending), 8)
      yield* isIdle(host)
    }, Effect.scoped)
  )

  it.live(
    "leave no process behind when their server is killed (protocol 4)",
    Effect.fnUntraced(function*() {
      const { host } = yield* lost
      const server = yield* host.start(
        flags("server", 1, "--multicast", "off", "--seeds", dead.join(","), "--unicast-port", port)
      )
      yield* server.event("SeedUnresolved")
      yield* server.kill("SIGKILL")
      yield* isIdle(host)
    }, Effect.scoped)
  )
})
