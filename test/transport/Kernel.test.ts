import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { createSocket } from "node:dgram"
import { Kernel, parseSockets } from "../../src/transport/Kernel.ts"
import * as NodeKernel from "../../src/transport/node/NodeKernel.ts"

const head =
  "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"

describe("the sockets that Linux lists", () => {
  it("have an address, a port, an inode, a user and their drops", () => {
    const text = `${head}
  102: 0100007F:BA99 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 17
 2102: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 99 2 0000000000000000 0
`
    assert.deepStrictEqual(parseSockets(text, true), [
      { ip: "127.0.0.1", port: 47_769, inode: 4711, uid: 1000, drops: 17 },
      { ip: "0.0.0.0", port: 5353, inode: 99, uid: 0, drops: 0 }
    ])
    assert.strictEqual(parseSockets(text.replace("0100007F", "7F000001"), false)[0]?.ip, "127.0.0.1")
  })

  it.each([
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000001000000", "::1"],
    ["000080FE00000000FF5B02C2AB8967FE", "fe80::c202:5bff:fe67:89ab"],
    ["B80D0120000000000100000002000000", "2001:db8::1:0:2"]
  ])("have IPv6 addresses too: %s", (hex, ip) => {
    const line = `1: ${hex}:14E9 ${"0".repeat(32)}:0000 07 0:0 00:0 0 0 0 99 2 0 0`
    const [socket] = parseSockets(line, true)
    assert.strictEqual(socket?.ip, ip)
  })

  it.each(["", head, "nonsense", "1: 0100007F:BA99", "1: 0100007:BA99 0 0 0 0 0 0 0 0 0 0 0", "\u0000"])(
    "are none in %j",
    (text) => assert.deepStrictEqual(parseSockets(text, true), [])
  )
})

describe("the system's own word", () => {
  it.live("names the process that holds a port, and knows its own sockets", () =>
    Effect.gen(function*() {
      const port = yield* Effect.acquireRelease(
        Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
          const socket = createSocket("udp4")
          socket.bind(0, "127.0.0.1", () =>
            resume(Effect.succeed({
              port: socket.address().port,
              close: () => socket.close()
            })))
        }),
        ({ close }) => Effect.sync(close)
      )
      const kernel = yield* Kernel
      const sockets = yield* kernel.udpSockets(port.port)
      if (process.platform !== "linux") return assert.isTrue(Option.isNone(sockets))
      const [socket, ...others] = Option.getOrThrow(sockets)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(socket, { ip: "127.0.0.1", port: port.port, drops: 0, own: true })
      assert.strictEqual(socket?.owner?.pid, process.pid)
      assert.deepStrictEqual(yield* kernel.udpSockets(0), Option.some([]))
    }).pipe(Effect.provide(NodeKernel.layer)))
})
