/**
 * Which links are up, by the start of the server at their other end, and what is told of them: the first that is up, and how
 * the last one ended. Links of one start replace each other without a word.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { NodeId } from "../../protocol/model/Member.ts"
import type { LinkPeer } from "../../protocol/model/Output.ts"
import type * as CrashLinks from "../CrashLinks.ts"
import type { Party } from "../LinkHandshake.ts"
import type * as LinkSocket from "./LinkSocket.ts"

/** A link that is up. `peer` is where its other end accepts links: port 0 where it accepts none. */
export interface Link {
  readonly socket: LinkSocket.LinkSocket
  readonly peer: LinkPeer
  /** Whether this side opened it. */
  readonly opened: boolean
  /** Done when it is up no more. */
  readonly ended: Deferred.Deferred<void>
}

/** All that are up. */
export interface Starts {
  readonly all: () => Iterable<Link>
  /** One that this side opened, with that start at that address. */
  readonly openedTo: (peer: LinkPeer) => Link | undefined
  readonly add: (link: Link) => void
  /** It ended by itself: `broke` if without a goodbye. */
  readonly ended: (link: Link, broke: boolean) => void
  /** Ends it with a goodbye. */
  readonly leave: (link: Link) => void
}

/** What is done about it. `up`, `left` and `broke` are called for a start, not for each link. */
export interface Told {
  /** Whether this side is to keep a link open to it. */
  readonly isKept: (peer: LinkPeer) => boolean
  readonly up: (peer: LinkPeer) => void
  readonly left: (peer: LinkPeer) => void
  readonly broke: (peer: LinkPeer) => void
}

/** None is up yet. */
export const make = (told: Told): Starts => {
  const starts = new Map<string, Set<Link>>()
  const remove = (link: Link): "last" | "one of several" | "unknown" => {
    const key = keyOf(link.peer)
    const links = starts.get(key)
    if (links?.delete(link) !== true) return "unknown"
    Deferred.doneUnsafe(link.ended, Effect.void)
    if (links.size > 0) return "one of several"
    starts.delete(key)
    return "last"
  }
  const all = () => [...starts.values()].flatMap((links) => Array.from(links))
  const leave = (link: Link) => {
    const was = remove(link)
    link.socket.leave()
    if (was === "last") told.left(link.peer)
  }
  return {
    all,
    leave,
    openedTo: (peer) => [...starts.get(keyOf(peer)) ?? []].find((link) => link.opened && isSamePlace(link.peer, peer)),
    add: (link) => {
      const key = keyOf(link.peer)
      const links = starts.get(key)
      if (links === undefined) {
        starts.set(key, new Set([link]))
        return told.up(link.peer)
      }
      links.add(link)
      // Both sides open one anew where one broke: it is for one of them to keep it.
      for (const one of links) if (one.opened && links.size > 1 && !told.isKept(one.peer)) leave(one)
    },
    ended: (link, broke) => {
      if (remove(link) === "last") (broke ? told.broke : told.left)(link.peer)
    }
  }
}

/** The key of one start of a server. */
export const keyOf = ({ id, incarnation }: { readonly id: NodeId; readonly incarnation: number }): string =>
  `${id} ${incarnation}`

/** Whether both are the same start, at the same address. */
export const isSamePlace = (self: LinkPeer, that: LinkPeer): boolean =>
  keyOf(self) === keyOf(that) && self.address.ip === that.address.ip && self.address.port === that.address.port

/** A link that is up now. */
export const linkOf = (socket: LinkSocket.LinkSocket, { id, incarnation, port }: Party, opened: boolean): Link => ({
  socket,
  peer: { id, incarnation, address: { ip: socket.remote, port } },
  opened,
  ended: Deferred.makeUnsafe()
})

/** What happened with a start, to be told. */
export const happening = (
  _tag: "LinkUp" | "LinkLeft" | "LinkBroke",
  { id, incarnation }: LinkPeer
): CrashLinks.Happening => ({ _tag, id, incarnation })
