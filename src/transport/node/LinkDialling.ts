/**
 * How links are opened: those that are to be kept, those that broke and are tried again at once, and those that are only
 * tried out.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Net from "node:net"
import type { LinkPeer } from "../../protocol/model/Output.ts"
import type { Party } from "../LinkHandshake.ts"
import * as LinkHandshake from "../LinkHandshake.ts"
import * as LinkSocket from "./LinkSocket.ts"
import * as LinkStarts from "./LinkStarts.ts"

/** What became of a try: a link that is up, or how it ended before. */
export type Outcome = LinkStarts.Link | LinkSocket.End

/** What links are opened with. */
export interface Dialling {
  readonly starts: LinkStarts.Starts
  /** The address of ours from which something to that address goes; undefined where there is none of its family. */
  readonly source: (ip: string) => string | undefined
  /** Our own part in a handshake with someone of whom this holds. */
  readonly ours: (admits: (peer: Party) => boolean) => LinkHandshake.Ours
  /** Our own system did not let us. */
  readonly unable: (cause: unknown) => void
}

/** How long a handshake may take, from the connection on. */
export const patience = Duration.seconds(1)

/** Whether a link came of it. */
export const isUp = (outcome: Outcome): outcome is LinkStarts.Link => "socket" in outcome

/** Opens one link to that very start. One that is up is among the starts; all else is gone when this ends. */
export const dial = (dialling: Dialling, peer: LinkPeer): Effect.Effect<Outcome> => {
  const { ours, starts, unable } = dialling
  return Effect.callback<Outcome>((resume) => {
    const socket = connect(dialling, peer)
    if (!(socket instanceof Net.Socket)) return resume(Effect.succeed(socket))
    let link: LinkStarts.Link | undefined
    const handshake = LinkHandshake.opener(
      ours(({ id, incarnation }) => id === peer.id && incarnation === peer.incarnation)
    )
    const made = LinkSocket.make(socket, peer.address.ip, handshake, {
      up: (party) => {
        // The port that it was reached at, which need not be the one that it says.
        link = { ...LinkStarts.linkOf(made, party, true), peer }
        starts.add(link)
        resume(Effect.succeed(link))
      },
      over: (end) => {
        if (end._tag === "Unable") unable(end.cause)
        if (link !== undefined) starts.ended(link, end._tag === "Broke")
        resume(Effect.succeed(end))
      }
    })
    return Effect.sync(() => made.peer() === undefined && made.leave())
  })
}

/** Keeps a link to that start open until it is interrupted: one that cannot be opened is tried again after a while. */
export const keep = (dialling: Dialling, peer: LinkPeer): Effect.Effect<never> =>
  Effect.gen(function*() {
    let wait = firstWait
    while (true) {
      const outcome = dialling.starts.openedTo(peer)
        ?? (yield* Effect.timeoutOrElse(dial(dialling, peer), { duration: patience, orElse: () => unanswered }))
      if (isUp(outcome)) {
        wait = firstWait
        yield* Deferred.await(outcome.ended)
      }
      yield* Effect.sleep(wait)
      wait = Duration.min(Duration.times(wait, 2), longestWait)
    }
  })

/**
 * Opens one to a start of which the last link broke, again and again for a moment: the kernel of a process that is being
 * killed may close its listening socket last, and accepts until then. On a busy host that takes it longer: then the last word
 * is that of one more connection.
 */
export const again = (dialling: Dialling, peer: LinkPeer): Effect.Effect<"Refused" | "Inconclusive"> =>
  dial(dialling, peer).pipe(
    Effect.repeat({
      schedule: Schedule.spaced(retryPace),
      while: (outcome) => !isUp(outcome) && outcome._tag === "Closed"
    }),
    Effect.timeoutOption(retryWindow),
    Effect.flatMap(Option.match({
      onNone: () => tryOut(dialling, peer),
      onSome: (outcome) => Effect.succeed(conclusion(outcome))
    }))
  )

/** Connects once, to see whether somebody listens there. */
export const tryOut = (dialling: Dialling, peer: LinkPeer): Effect.Effect<"Refused" | "Inconclusive"> =>
  Effect.callback<Outcome>((resume) => {
    const socket = connect(dialling, peer)
    if (!(socket instanceof Net.Socket)) return resume(Effect.succeed(socket))
    const end = (outcome: LinkSocket.End) => {
      socket.destroy()
      resume(Effect.succeed(outcome))
    }
    socket.unref().once("connect", () => end({ _tag: "Unreachable" }))
    socket.on("error", (cause) => {
      const ended = LinkSocket.endBy(cause)
      if (ended._tag === "Unable") dialling.unable(ended.cause)
      end(ended)
    })
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOption(retryWindow),
    Effect.map(Option.match({ onNone: () => "Inconclusive" as const, onSome: conclusion }))
  )

// internal

const firstWait = Duration.seconds(1)
const longestWait = Duration.seconds(30)
const retryPace = Duration.millis(1)
const retryWindow = Duration.millis(25)

const unanswered = Effect.succeed<LinkSocket.End>({ _tag: "Unreachable" })

const conclusion = (outcome: Outcome) =>
  !isUp(outcome) && outcome._tag === "Refused" ? "Refused" as const : "Inconclusive" as const

const connect = ({ source, unable }: Dialling, { address: { ip, port } }: LinkPeer): Net.Socket | LinkSocket.End => {
  const localAddress = source(ip)
  if (localAddress === undefined || port === 0) return { _tag: "Unreachable" }
  try {
    return Net.connect({ host: ip, port, localAddress, noDelay: true })
  } catch (cause) {
    unable(cause)
    return { _tag: "Unreachable" }
  }
}
