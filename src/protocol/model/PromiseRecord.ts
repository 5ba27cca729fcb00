/**
 * All that one start of a server has promised and heard, as it is handed to the next: in pages, since it may be more than
 * one datagram holds.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type * as Lease from "./Lease.ts"
import type * as Member from "./Member.ts"
import * as Message from "./Message.ts"

/** A record as far as it has come. `key` names the handover; `read` are the pages that are here, by their numbers. */
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

/** The record with one more page. A page of another handover begins anew; one that is here already changes nothing. */
export const withPage = (pages: Pages | null, { key, of, page, promises }: Page): Pages => {
  if (pages === null || pages.key !== key || pages.of !== of) return { key, of, read: new Map([[page, promises]]) }
  return pages.read.has(page) ? pages : { ...pages, read: new Map([...pages.read, [page, promises]]) }
}

/** The whole record, or null while a page of it is missing. */
export const whole = ({ of, read }: Pages): ReadonlyArray<Message.Promised> | null =>
  Array.from({ length: of }, (_, page) => page).every((page) => read.has(page)) ? [...read.values()].flat() : null

// --- What is known of other starts ---

/**
 * This server's part in the starts before and after it. `start` names this one: no other has the same. `heard` are the
 * highest terms that its former start had heard of. `pages` are the former start's promises as far as they have come.
 * `asks` says whether it asks for them: a server that was set back to a snapshot does not.
 *
 * `giving`, while it hands its own over: the servers that it asks in turn, how often it has said its present message, and,
 * once one of them has accepted, the record for that one.
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
 * The record that is kept for a server that leaves or has left: the start that offers, the key of the handover and when it
 * was made, the pages that have come, and the start that got them.
 */
export interface Kept {
  readonly server: Member.NodeId
  readonly start: string
  readonly key: string
  readonly madeAt: Lease.Instant
  readonly pages: Pages | null
  readonly givenTo: string | null
}
