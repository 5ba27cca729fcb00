/** From which of its unicast sockets an endpoint sends to an address, and which addresses are direct. */
import { connected, isDirectBy, sourceFor } from "../interfaces/Direct.ts"
import { familyOf } from "../interfaces/SystemInterface.ts"
import type { Attached, Held } from "./Attached.ts"

export interface Sources {
  /**
   * Those first by whose address other hosts can reach this one now, then those by which they could lately, then the
   * loopback. The first of all is the primary one. Never empty.
   */
  readonly all: () => readonly [Attached, ...ReadonlyArray<Attached>]
  readonly towards: (ip: string) => Attached
  readonly isDirect: (ip: string) => boolean
  /** Forgets what was remembered of another state of the network. */
  readonly renew: () => void
}

/** `first` is the one that is there when there is no other. */
export const make = (held: Held, first: Attached): Sources => {
  const networksNow = () => connected(held.system, held.attached.map(({ networkInterface }) => networkInterface))
  let networks = networksNow()
  let isDirect = isDirectBy(networks)
  const known = new Map<string, Attached>()
  const all = () => {
    const outer = held.attached.filter(({ networkInterface }) => !networkInterface.internal)
    const [one = first, ...rest] = [
      ...outer.filter(({ present }) => present),
      ...outer.filter(({ present }) => !present),
      ...held.attached.filter(({ networkInterface }) => networkInterface.internal)
    ]
    return [one, ...rest] as const
  }
  const find = (ip: string): Attached => {
    const some = all()
    const present = some.flatMap((one) => one.present ? [one.networkInterface] : [])
    const source = sourceFor(networks, present, ip)
    return some.find(({ networkInterface }) => networkInterface === source)
      ?? some.find(({ networkInterface }) => familyOf(networkInterface.address) === familyOf(ip))
      ?? some[0]
  }
  return {
    all,
    towards: (ip) => {
      const before = known.get(ip)
      if (before !== undefined) return before
      if (known.size >= remembered) known.clear()
      const found = find(ip)
      known.set(ip, found)
      return found
    },
    isDirect: (ip) => isDirect(ip),
    renew: () => {
      networks = networksNow()
      isDirect = isDirectBy(networks)
      known.clear()
    }
  }
}

// internal

const remembered = 1024
