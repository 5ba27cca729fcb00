/** `Datagrams` on one machine of a simulated network. */
import * as Effect from "effect/Effect"
import type * as Random from "effect/Random"
import { formatAddress } from "../../protocol/model/Member.ts"
import * as PortableCipher from "../../protocol/wire/PortableCipher.ts"
import * as Datagrams from "../../transport/Datagrams.ts"
import * as Addressing from "./addressing.ts"
import * as Carrier from "./carrier.ts"
import * as CrashLinks from "./crashLinks.ts"
import * as Interfaces from "./interfaces.ts"
import type { Machine, Socket } from "./machine.ts"
import type * as Names from "./names.ts"
import * as Questions from "./questions.ts"
import * as Sockets from "./sockets.ts"

/** What the endpoints of all machines share. */
export interface Shared {
  readonly network: CrashLinks.Network
  readonly secrets: Random.Random
  readonly names: ReturnType<typeof Names.make>
}

export const datagramsOf = (machine: Machine, shared: Shared): Datagrams.Datagrams["Service"] =>
  Datagrams.Datagrams.of({
    open: (options) =>
      Effect.acquireRelease(
        open(machine, options),
        (socket) => Effect.sync(() => Sockets.close(socket, "closed"))
      ).pipe(Effect.map((socket) => endpoint(socket, shared)))
  })

const open = (machine: Machine, options: Datagrams.Options): Effect.Effect<Socket, Datagrams.DatagramsFailed> =>
  Effect.suspend(() => {
    const fail = (kind: Datagrams.DatagramsFailed["kind"], where: string) =>
      Effect.fail(new Datagrams.DatagramsFailed({ during: "open", kind, where }))
    const unknown = Interfaces.unknown(machine, options.interfaces)
    if (unknown !== undefined) return fail("NoSuchInterface", unknown)
    const { unicastPort: port } = options
    const ip = Addressing.ipOf(machine)
    if (machine.down) return fail("Unreachable", ip)
    if (port !== 0 && machine.ports.has(port)) return fail("AddressInUse", formatAddress({ ip, port }))
    return Effect.succeed(Sockets.open(machine, options))
  })

const endpoint = (socket: Socket, { names, network, secrets }: Shared): Datagrams.Endpoint => ({
  hostname: socket.machine.name,
  get local() {
    const [first, ...others] = socket.locals.map(({ interface: name, ip, port }) => ({ ip, port, interface: name }))
    return [first as Datagrams.LocalAddress, ...others] as const
  },
  receive: Sockets.receive(socket),
  multicast: (payload) =>
    Carrier.send(network, socket, { to: Carrier.groupAddress(socket.options), payload, via: "multicast" }),
  unicast: (to, payload) => Carrier.send(network, socket, { to, payload, via: "unicast" }),
  ask: (to, payload) => Questions.ask(network, socket, to, payload),
  random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(secrets.nextDoubleUnsafe() * 256)),
  cipher: PortableCipher.cipher,
  hasAddress: () => socket.locals.some(({ interface: name }) => name !== Interfaces.loopback),
  portTowards: (ip) => Interfaces.towards(socket, ip).port,
  isExposed: () => false,
  isDirect: (ip) => Interfaces.isDirect(socket, ip),
  // A name is that of a machine, as far as it is there by then.
  resolve: names.resolve,
  troubles: Sockets.troubles(socket),
  openLinks: CrashLinks.open(network, socket),
  dropped: Effect.sync(() => socket.dropped)
})
