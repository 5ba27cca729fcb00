import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import * as HostNames from "../../src/transport/node/HostNames.ts"

/** Resolves a host to the texts of its addresses. */
const make = Effect.map(
  HostNames.make,
  (resolver) => (host: string) =>
    Effect.map(resolver.resolve({ host, port: 1 }), (found) => found.map(({ address }) => NetAddress.formatIp(address)))
)

/** The processes that this one has started and that live. */
const children = () =>
  spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
    .stdout.split("\n").filter((line) => /--dns-result-order=|bellwether names/.test(line))

const until = (holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.delay("5 millis"),
    Effect.repeat({ until: (held) => held }),
    Effect.timeout("20 seconds")
  )

describe("names", () => {
  it("are looked up by a child if the program that runs this is Node, and by nothing that may be the app itself", () => {
    for (const path of ["/usr/bin/node", "/usr/bin/nodejs", "/opt/node-22.3", "/opt/node20"]) {
      assert.isTrue(HostNames.isNode(path), path)
    }
    for (const path of ["/usr/bin/bun", "/usr/bin/deno", "/opt/app", "/opt/node-red", "/opt/nodemon"]) {
      assert.isFalse(HostNames.isNode(path), path)
    }
  })

  it.live("start no child while they are addresses", () =>
    Effect.gen(function*() {
      const resolve = yield* make
      assert.deepStrictEqual(yield* resolve("192.0.2.7"), ["192.0.2.7"])
      assert.deepStrictEqual(yield* resolve("2001:db8::7"), ["2001:db8::7"])
      assert.deepStrictEqual(children(), [])
    }))

  it.live("are those of the hosts file too; one child answers for all, and ends with the scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const resolve = yield* Scope.provide(make, scope)
      const found = yield* Effect.all([resolve("localhost"), resolve("localhost")], { concurrency: "unbounded" })
      for (const ips of found) assert.include(ips, "127.0.0.1")
      assert.strictEqual(children().length, 1)
      assert.deepInclude(yield* Effect.flip(resolve("no.such.host.invalid")), {
        _tag: "DnsError",
        hostname: "no.such.host.invalid"
      })
      assert.strictEqual(children().length, 1)
      yield* Scope.close(scope, Exit.void)
      yield* until(() => children().length === 0)
    }))

  it.live("are still resolved when the child was killed", () =>
    Effect.gen(function*() {
      const resolve = yield* make
      yield* resolve("localhost")
      for (let times = 0; times < 2; times++) {
        for (const child of children()) process.kill(Number.parseInt(child, 10), "SIGKILL")
        assert.include(yield* resolve("localhost"), "127.0.0.1")
      }
    }))
})
