/**
 * Where a bench runs: on loopback, at a port of its own.
 */
import * as Effect from "effect/Effect"
import { createSocket, type Socket } from "node:dgram"

/** A UDP port that nobody has. */
export const freePort = Effect.callback<number>((resume) => {
  const socket = createSocket("udp4")
  socket.bind(0, "127.0.0.1", () => {
    const { port } = socket.address()
    socket.close(() => resume(Effect.succeed(port)))
  })
})

/** The environment of a program that is measured: a group of this bench, on loopback. */
export const environment = (port: number) => ({
  PATH: process.env["PATH"],
  BELLWETHER_GROUP: `bench-${process.pid}`,
  BELLWETHER_PORT: String(port),
  BELLWETHER_INTERFACES: "lo",
  BELLWETHER_TTL: "0"
})

/** Where a group speaks unless it is told otherwise. */
export const groupAddress = "239.255.253.87"

/** A socket at a port of its own from which the group can be spoken to. */
export const openedToGroup = () =>
  new Promise<Socket>((resolve) => {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1", () => {
      socket.setMulticastInterface("127.0.0.1")
      socket.setMulticastTTL(0)
      resolve(socket)
    })
  })
