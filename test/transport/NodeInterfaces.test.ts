import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { networkInterfaces } from "node:os"
import { DatagramsFailed } from "../../src/transport/Datagrams.ts"
import { Interfaces } from "../../src/transport/interfaces/Interfaces.ts"
import * as InterfaceThread from "../../src/transport/node/InterfaceThread.ts"
import * as NetworkFiles from "../../src/transport/node/NetworkFiles.ts"
import * as NodeInterfaces from "../../src/transport/node/NodeInterfaces.ts"

const failed = (cause: unknown) =>
  new DatagramsFailed({ during: "scan", kind: "Unknown", where: "a thread", cause: new Error(JSON.stringify(cause)) })

describe("the interfaces of this machine (protocol 2)", () => {
  it.live("are the same object while nothing changes, and have the numbers that the system gives", () =>
    Effect.gen(function*() {
      const { scan } = yield* Interfaces
      const system = yield* scan
      assert.strictEqual(yield* scan, system)
      const { address } = Object.values(networkInterfaces()).flat()[0]!
      assert.isTrue(system.addresses.some((one) => one.address.startsWith(address)))
    }).pipe(Effect.provide(NodeInterfaces.layer)))

  it.live("are in the system's files, which say the same in the loop and by threads, however much the loop reads", () =>
    Effect.gen(function*() {
      const byThreads = yield* (yield* NetworkFiles.make(0)).read
      const all = Object.values(byThreads).join("").length
      for (const mostInLoop of [1, Math.floor(all / 2), all, all + 1, 65_536]) {
        const { read } = yield* NetworkFiles.make(mostInLoop)
        assert.deepStrictEqual(yield* read, byThreads)
        assert.deepStrictEqual(yield* read, byThreads)
      }
      if (process.platform === "linux") assert.include(byThreads.links, "lo ")
    }))

  it.live("are told by a thread as they are in the loop, again and again, until its scope closes", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { ask } = yield* Scope.provide(InterfaceThread.make(failed), scope)
      for (let times = 0; times < 12; times++) {
        assert.deepStrictEqual(JSON.parse(yield* ask), networkInterfaces())
      }
      // A caller that does not wait for an answer leaves no listener behind, and the next one gets its own.
      yield* Effect.timeoutOption(ask, 0)
      assert.deepStrictEqual(JSON.parse(yield* ask), networkInterfaces())
      yield* Scope.close(scope, Exit.void)
      assert.notInclude(process.getActiveResourcesInfo(), "Worker")
    }))
})
