/** Keeps the page connected: asks for the status again and again, reads both streams, and comes back when the server does. */
import type { Exchanged } from "../../../server/Traffic.ts"
import type * as History from "../../History.ts"
import type { GroupStatus, Streamed } from "../../http/Contract.ts"
import * as Server from "./Server.ts"
import type * as Store from "./Store.ts"

/** What changes the past, as `/api/history` tells it. */
const isPast: ReadonlySet<string> = new Set(["LeaderChanged", "MemberRemoved", "MemberJoined", "Stalled", "Left"])

/** How long a new attempt waits: longer with each that failed in vain. */
const pauses = [250, 500, 1_000, 2_000, 5_000]

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      resolve()
    }, { once: true })
  })

const words = (error: unknown): string =>
  error instanceof Server.Refused ? error.refusal.title : "The server does not answer."

/** One connection, while the page is seen: the same again each time when it ended. */
const again = async (
  store: Store.Store,
  signal: AbortSignal,
  once: () => Promise<void>
): Promise<void> => {
  let failures = 0
  while (!signal.aborted) {
    try {
      await once()
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Server.Refused && error.refusal.status === 401) {
        store.send({ _tag: "Refused" })
        // Begun anew when somebody enters the token.
        return
      }
      store.send({ _tag: "Lost", why: words(error) })
      failures++
    }
    await sleep(pauses[Math.min(failures, pauses.length - 1)]!, signal)
  }
}

/** What is to be done with the messages as they come. */
export type OnTraffic = (messages: ReadonlyArray<Exchanged>) => void

/** Reads what the server tells until the signal. */
const follow = (store: Store.Store, onTraffic: OnTraffic, signal: AbortSignal, last: Last): void => {
  const status = async (): Promise<GroupStatus> => {
    const status = await Server.ask<GroupStatus>("api/group", signal)
    store.send({ _tag: "Status", status, at: performance.now() })
    return status
  }
  let isPastDue = false
  const past = async (): Promise<void> => {
    if (isPastDue) return
    isPastDue = true
    // Several events often come together.
    await sleep(150, signal)
    isPastDue = false
    store.send({ _tag: "History", history: await Server.ask<History.History>("api/history", signal) })
  }
  void again(store, signal, async () => {
    const { members } = await status()
    await sleep(members.length > 50 ? 2_000 : 1_000, signal)
  })
  void again(store, signal, async () => {
    // First the status: of another start of the server the page forgets what it knew of the former.
    const { self } = await status()
    if (last.incarnation !== self.incarnation) last.id = `${self.incarnation}-0`
    last.incarnation = self.incarnation
    await past()
    await Server.read("api/events", last.id, signal, (came, id) => {
      last.id = id ?? last.id
      const events = came as ReadonlyArray<Streamed>
      store.send({ _tag: "Events", events })
      if (!events.some(({ event }) => isPast.has(event))) return
      void Promise.all([past(), status()]).catch(() => {})
    })
  })
  void again(store, signal, () =>
    Server.read("api/traffic", null, signal, (messages) => {
      const said = (messages as ReadonlyArray<Exchanged>).filter((message) => "way" in message)
      onTraffic(said)
      store.send({ _tag: "Said", messages: said })
    }))
}

/** Where the page stopped to read. */
interface Last {
  id: string | null
  incarnation: number | null
}

/**
 * Connects while the page is seen: a browser keeps few connections to one server, and nobody looks at a page in the background.
 * Gives what begins anew, as after the token was entered.
 */
export const start = (store: Store.Store, onTraffic: OnTraffic): () => void => {
  const last: Last = { id: null, incarnation: null }
  let current = new AbortController()
  const begin = () => {
    current.abort()
    current = new AbortController()
    if (!document.hidden) follow(store, onTraffic, current.signal, last)
  }
  document.addEventListener("visibilitychange", begin)
  addEventListener("online", begin)
  addEventListener("offline", () => {
    store.send({ _tag: "Lost", why: "This device has no network." })
  })
  begin()
  return begin
}
