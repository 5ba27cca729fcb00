/** A network between an app and etcd that can be cut: nothing comes through then, in neither direction, and nobody is told. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

export interface Cut {
  /** In place of the endpoint that it leads to. */
  readonly url: string
  readonly cut: Effect.Effect<void>
  readonly heal: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(to: string): Effect.fn.Return<Cut, never, Scope.Scope> {
  const sockets = new Set<Socket>()
  let isCut = false
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on("data", (data) => to.write(data))
    from.once("error", () => to.destroy()).once("close", () => {
      sockets.delete(from)
      to.destroy()
    })
    if (isCut) from.pause()
  }
  const server = createServer((socket) => {
    const other = connect(Number(new URL(to).port), "127.0.0.1")
    pass(socket, other)
    pass(other, socket)
  })
  const { port } = yield* Effect.acquireRelease(
    Effect.callback<AddressInfo>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server.address() as AddressInfo)))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )
  const set = (is: boolean) =>
    Effect.sync(() => {
      isCut = is
      for (const socket of sockets) {
        if (is) socket.pause()
        else socket.resume()
      }
    })
  return { url: `http://127.0.0.1:${port}`, cut: set(true), heal: set(false) }
})
