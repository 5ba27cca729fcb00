/** The side of crash links that accepts: of members only, so many at most, each in its time. */
import * as Effect from "effect/Effect"
import type * as Net from "node:net"
import * as Ip from "../../protocol/model/Ip.ts"
import type * as CrashLinks from "../CrashLinks.ts"
import * as LinkHandshake from "../LinkHandshake.ts"
import * as LinkDialling from "./LinkDialling.ts"
import * as LinkSocket from "./LinkSocket.ts"
import * as LinkStarts from "./LinkStarts.ts"

/** What links are accepted with. */
export interface Accepting {
  readonly starts: LinkStarts.Starts
  readonly accepts: CrashLinks.Options["accepts"]
  readonly ours: LinkDialling.Dialling["ours"]
  /** Runs an effect until all links are closed. */
  readonly run: (effect: Effect.Effect<void>) => void
}

/** Gives the way to take a connection. `close` ends those that have still to say who they are. */
export const make = (
  { accepts, ours, run, starts }: Accepting
): { readonly take: (socket: Net.Socket) => void; readonly close: () => void } => {
  const halfOpen = new Set<LinkSocket.LinkSocket>()
  const giveUp = (made: LinkSocket.LinkSocket) => {
    if (halfOpen.delete(made)) made.leave()
  }
  const accepted = () => [...starts.all()].filter(({ opened }) => !opened)
  const hasRoom = () => {
    // Those that are about to be up are among them.
    const isFull = () => accepted().length + halfOpen.size > mostAccepted
    if (!isFull()) return true
    // Of a host that is gone without a word, a link stays: nothing is sent on it.
    for (const link of accepted()) {
      if (!accepts(link.peer.address.ip, link.peer.id, link.peer.incarnation)) starts.leave(link)
    }
    return !isFull()
  }
  const up = (link: LinkStarts.Link) => {
    const earlier = accepted().filter(({ peer }) => peer.id === link.peer.id)
    starts.add(link)
    for (const one of earlier) starts.leave(one)
  }
  return {
    take: (socket) => {
      const ip = Ip.canonical(socket.remoteAddress ?? "")
      // It may have been reset already.
      if (ip === undefined) return void socket.destroy()
      const [oldest] = halfOpen
      if (oldest !== undefined && halfOpen.size >= mostHalfOpen) giveUp(oldest)
      let link: LinkStarts.Link | undefined
      const handshake = LinkHandshake.acceptor(
        ours(({ id, incarnation }) => accepts(ip, id, incarnation) && hasRoom())
      )
      const made = LinkSocket.make(socket, ip, handshake, {
        up: (party) => {
          halfOpen.delete(made)
          link = LinkStarts.linkOf(made, party, false)
          up(link)
        },
        over: (end) => {
          halfOpen.delete(made)
          if (link !== undefined) starts.ended(link, end._tag === "Broke")
        }
      })
      halfOpen.add(made)
      run(Effect.delay(Effect.sync(() => giveUp(made)), LinkDialling.patience))
    },
    close: () => {
      for (const made of halfOpen) giveUp(made)
    }
  }
}

// internal

// Two neighbours, eight of the leader, and those that have not noticed yet that they are to keep others.
const mostAccepted = 64
const mostHalfOpen = 16
