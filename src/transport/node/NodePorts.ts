/** Connections of TCP that are only tried, over `node:net`. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Net from "node:net"
import * as Ports from "../Ports.ts"

/** How long a connection may take to be made. */
const patience = "1 second"

const refusals: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES"])

const connect: (typeof Ports.Connect)["Service"] = ({ ip, port }) =>
  Effect.callback<Ports.Outcome>((resume) => {
    const socket = Net.connect({ host: ip, port })
    socket.unref()
    const over = (outcome: Ports.Outcome) => resume(Effect.succeed(outcome))
    socket.on("connect", () => over("Connected"))
    socket.on("error", ({ code }: NodeJS.ErrnoException) =>
      over(code === "ETIMEDOUT" ? "Unanswered" : refusals.has(code) ? "Refused" : "Unknown"))
    return Effect.sync(() =>
      socket.destroy()
    )
  }).pipe(Effect.raceFirst(Effect.as(tooLate, "Unanswered" as const)))

/** A process that did not run for as long has still to read what has come meanwhile: it does so before another timer is due. */
const tooLate = Effect.andThen(Effect.sleep(patience), Effect.sleep("50 millis"))

/** Tries them on the sockets of Node. */
export const layer = Layer.succeed(Ports.Connect, connect)
