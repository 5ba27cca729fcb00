/** Ports of this host that nobody has now. */
import * as Effect from "effect/Effect"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"

const host = "127.0.0.1"

/** One for datagrams. */
export const datagrams: Effect.Effect<number, Error> = Effect.callback((resume) => {
  const socket = createSocket("udp4")
  socket.once("error", (error) => resume(Effect.fail(error)))
  socket.bind(0, host, () => {
    const { port } = socket.address()
    socket.close(() => resume(Effect.succeed(port)))
  })
})

/** One for connections. */
export const connections: Effect.Effect<number, Error> = Effect.callback((resume) => {
  const server = createServer()
  server.once("error", (error) => resume(Effect.fail(error)))
  server.listen(0, host, () => {
    const address = server.address()
    const port = address === null || typeof address === "string" ? 0 : address.port
    server.close(() => resume(Effect.succeed(port)))
  })
})
