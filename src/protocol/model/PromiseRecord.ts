/**
 * All that one start of a server has promised and heard, as it is handed to the next: in pages, since it may be more than
 * one datagram holds.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Lease from "./Lease.ts"
import type * as Member from "./Member.ts"
import * as Message from "./Message.ts"

/** What has come of a record. `key` names the handover; `read` are the pages that are here, by their numbers. */
export interface Pages {
  readonly key: string
  readonly of: number
  readonly read: ReadonlyMap<number, ReadonlyArray<Message.Promised>>
}

/** A page of a record, as a message carries it. */
export type Page = Pick<Message.Of<"HANDOVER">, "key" | "page" | "of" | "promises">

/** A record as pages. One without any promise has one page, which is empty. */
export const pagesOf = (key: string, record: ReadonlyArray<Message.Promised>): ReadonlyArray<Page> => {
  const size = Message.handover.promises
  const of = Math.max(1, Math.ceil(record.length / size))
  return Array.from(
    { length: of },
    (_, page) => ({ key, page, of, promises: record.slice(page * size, (page + 1) * size) })
  )
}

/** What is here with one more page. A page of another handover begins anew; one that is here already changes nothing. */
export const withPage = (pages: Pages | null, { key, of, page, promises }: Page): Pages => {
  if (pages === null || pages.key !== key || pages.of !== of) return { key, of, read: new Map([[page, promises]]) }
  return pages.read.has(page) ? pages : { ...pages, read: new Map([...pages.read, [page, promises]]) }
}

/** The whole record, or null while a page of it is missing. */
export const whole = ({ of, read }: Pages): ReadonlyArray<Message.Promised> | null =>
  Array.from({ length: of }, (_, page) => page).every((page) => read.has(page)) ? [...read.values()].flat() : null

// --- What is known of other starts ---

/**
 * What this server does about the starts before and after it. `start` names this one: no other has the same. `heard` are
 * the highest terms that its former start had heard of. `pages` is what has come of the former start's promises. `asks` for
 * them who began anew by itself; who was set back to a snapshot does not.
 *
 * `giving`, while it hands its own over: whom it asks in turn, how often it has said what it says now, and, once one
 * of them has accepted, what that one gets.
 */
export interface Handover {
  readonly start: string
  readonly asks: boolean
  readonly heard: HashMap.HashMap<string, number>
  readonly pages: Pages | null
  readonly giving: {
    readonly keepers: ReadonlyArray<Member.NodeId>
    readonly tries: number
    readonly accepted: {
      readonly by: Member.Address
      readonly pages: ReadonlyArray<Page>
    } | null
  } | null
}

/** Before the start. */
export const none: Handover = { start: "", asks: true, heard: HashMap.empty(), pages: null, giving: null }

/** The highest term of an election that a former start of this server had heard of, as far as it was handed over. */
export const heardBefore = (
  { handover: { heard } }: { readonly handover: Pick<Handover, "heard"> },
  election: string
): number => Option.getOrElse(HashMap.get(heard, election), () => 0)

/**
 * What is kept of one server that leaves or has left: the start that offers, the key that it hands over by, when that was
 * made, what has come, and the start that got it.
 */
export interface Kept {
  readonly server: Member.NodeId
  readonly start: string
  readonly key: string
  readonly madeAt: Lease.Instant
  readonly pages: Pages | null
  readonly givenTo: string | null
}
