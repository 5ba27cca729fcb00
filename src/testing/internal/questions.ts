/**
 * Questions to one address, from a socket of their own: whether somebody answers, or the machine there refuses because nobody
 * listens.
 */
import * as Effect from "effect/Effect"
import type { Address } from "../../protocol/model/Member.ts"
import { formatAddress } from "../../protocol/model/Member.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as Carrier from "./carrier.ts"
import { drawPort, type Machine, type Socket } from "./machine.ts"
import * as Sockets from "./sockets.ts"

/** `refuses`: whether machines do. */
export const ask = (
  network: Carrier.Network & { readonly refuses: boolean },
  socket: Socket,
  to: Address,
  payload: Uint8Array
): Effect.Effect<"sent" | "refused", Datagrams.DatagramsFailed> =>
  Effect.suspend(() => {
    const { machine } = socket
    if (machine.failing.sockets) return noSocket(to)
    const port = drawPort(machine)
    const refusal = network.refuses && socket.state === "open" ? drawRefusal(network, machine, to) : undefined
    const isRefused = refusal !== undefined && refusal <= patience
    const close = Effect.sync(() => machine.questions.delete(port))
    const answered = Effect.callback<"sent">((resume) => {
      machine.questions.set(port, { asker: socket, peer: to, answered: () => resume(Effect.succeed("sent")) })
      return close
    })
    const patient = Effect.as(
      Effect.sleep(isRefused ? refusal : patience),
      isRefused ? "refused" as const : "sent" as const
    )
    return Carrier.send(network, socket, { to, payload, via: "unicast", port }).pipe(
      Effect.andThen(Effect.raceFirst(answered, patient))
    )
  })

// internal

/** For how many milliseconds a question waits. */
const patience = 50

const noSocket = (to: Address) =>
  Effect.fail(
    new Datagrams.DatagramsFailed({
      during: "open",
      kind: "Unknown",
      where: formatAddress(to),
      // What the system says of a process that has no file descriptors left.
      cause: new Error("socket EMFILE")
    })
  )

/** In how many milliseconds a sender hears that it is refused; undefined where it never does. */
const drawRefusal = (network: Carrier.Network, from: Machine, to: Address): number | undefined => {
  const { links } = network
  const machine = Carrier.machineAt(network, to.ip, from.name)
  if (machine === undefined || machine.down || machine.suspended) return undefined
  if (Sockets.listenerAt(machine, to) !== undefined) return undefined
  if (machine === from) return 0
  if (links.isCut(from.name, machine.name) || links.isCut(machine.name, from.name)) return undefined
  const there = links.between(from.name, machine.name)
  const back = links.between(machine.name, from.name)
  if (links.happens(there.weather.loss) || links.happens(back.weather.loss)) return undefined
  return links.drawDelay(there) + links.drawDelay(back)
}
