/**
 * One TCP connection that becomes a crash link, or does not, and how it ends. It holds no process alive, sends nothing but its
 * handshake and its goodbye, and has no keepalive: while nobody speaks, no address that is moved or reused, no firewall and
 * no NAT can make it break.
 */
import type * as Net from "node:net"
import { goodbye, type Handshake, type Party } from "../LinkHandshake.ts"
import * as SystemError from "./SystemError.ts"

/**
 * How one ended by itself.
 *
 * - `Refused`: nobody listens there. `Closed`: it was closed or reset before it was up, as by a process that is about to be
 *   gone. `Stranger`: another answered than was wanted. `Unable`: our own system did not let us, by this error.
 *   `Unreachable`: all else that kept it from being up.
 * - `Left`: it was up, and the other end gave it up. `Broke`: it was up, and is gone without a goodbye.
 */
export type End =
  | { readonly _tag: "Refused" | "Closed" | "Stranger" | "Unreachable" | "Left" | "Broke" }
  | { readonly _tag: "Unable"; readonly cause: unknown }

/** One connection. */
export interface LinkSocket {
  /** Who is at the other end; undefined until it is up. */
  readonly peer: () => Party | undefined
  /** The address of the other end. */
  readonly remote: string
  /** Ends it: with a goodbye where it is up, or may be for the other end. Its end is not told then. */
  readonly leave: () => void
}

/** Who is told: that it is up, and how it ended if nobody left it. Each at most once. */
export interface Told {
  readonly up: (peer: Party) => void
  readonly over: (end: End) => void
}

/** Makes a link of a socket that is connected, or about to be to `remote`. */
export const make = (socket: Net.Socket, remote: string, handshake: Handshake, told: Told): LinkSocket => {
  let peer: Party | undefined
  let isOver = false
  const over = (end: End) => {
    if (isOver) return
    isOver = true
    socket.destroy()
    told.over(end)
  }
  const gone = () => over({ _tag: peer === undefined ? "Closed" : "Broke" })
  const received = (bytes: Uint8Array) => {
    if (isOver) return
    if (peer !== undefined) return over({ _tag: "Left" })
    const progress = handshake.receive(bytes)
    if (progress._tag === "Stranger") return over({ _tag: "Stranger" })
    if (progress.send.length > 0) socket.write(progress.send)
    if (progress._tag === "Waiting") return
    peer = progress.peer
    told.up(peer)
    if (progress.isOver) over({ _tag: "Left" })
  }
  const start = () => {
    if (handshake.first.length > 0) socket.write(handshake.first)
  }
  socket.unref().setNoDelay(true)
  socket.on("data", received).on("end", gone).on("close", gone)
  socket.on("error", (cause) => peer === undefined ? over(endBy(cause)) : gone())
  if (socket.connecting) socket.once("connect", start)
  else start()
  return {
    peer: () => peer,
    remote,
    leave: () => {
      if (isOver) return
      isOver = true
      if (peer === undefined && !handshake.mayBeUp()) return void socket.destroy()
      // The end of what was written is not waited for longer than this, as the other host may be gone.
      socket.end(goodbye).setTimeout(lingering, () => socket.destroy())
    }
  }
}

/** How a connection ended that never was up, by the error of the system. */
export const endBy = (cause: unknown): End => {
  const { code = "" } = SystemError.of(cause)
  if (code === "ECONNREFUSED") return { _tag: "Refused" }
  if (code === "ECONNRESET" || code === "EPIPE") return { _tag: "Closed" }
  return own.has(code) ? { _tag: "Unable", cause } : { _tag: "Unreachable" }
}

// internal

// In ms.
const lingering = 1_000

/** What is wrong with our own system, and no word on the other. */
const own = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EACCES", "EPERM"])
