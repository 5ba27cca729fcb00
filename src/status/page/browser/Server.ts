/** What the page asks its server: answers, streams of events, and changes. All by `fetch`, which alone can send the token. */
import * as Sse from "effect/encoding/Sse"

/** What a server refused: the problem that it answered, or why there was no answer. */
export interface Refusal {
  readonly status: number
  readonly title: string
  readonly detail: string
}

/** A request that was refused. */
export class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.title)
    this.refusal = refusal
  }
}

const key = "bellwether-token"

/** The token, as long as the tab lives. */
export const token = {
  get: (): string | null => sessionStorage.getItem(key),
  set: (value: string): void => sessionStorage.setItem(key, value),
  forget: (): void => sessionStorage.removeItem(key)
}

const headers = (more: Record<string, string> = {}): Record<string, string> => {
  const known = token.get()
  return known === null ? more : { ...more, authorization: `Bearer ${known}` }
}

const isText = (value: unknown): value is string => typeof value === "string"

const refusalOf = async (response: Response): Promise<Refusal> => {
  const body: unknown = await response.json().catch(() => null)
  const { detail, title } = { detail: "", title: "", ...(body as Partial<Refusal> | null) }
  return {
    status: response.status,
    title: isText(title) && title !== "" ? title : `The server answered ${response.status}.`,
    detail: isText(detail) ? detail : ""
  }
}

const fetched = async (path: string, init: RequestInit): Promise<Response> => {
  const response = await fetch(path, { cache: "no-store", ...init })
  if (response.ok) return response
  throw new Refused(await refusalOf(response))
}

/** How long an answer may take. A server that is paused answers nothing. */
const patience = 4_000

/** Asks for what there is at a path. */
export const ask = async <A>(path: string, signal: AbortSignal): Promise<A> => {
  const response = await fetched(path, {
    headers: headers(),
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)])
  })
  return await response.json() as A
}

/** Changes something: the refusal, or null where it was done. */
export const change = async (path: string, body: unknown): Promise<Refusal | null> => {
  try {
    await fetched(path, {
      method: "POST",
      ...(body === undefined
        ? { headers: headers() }
        : { headers: headers({ "content-type": "application/json" }), body: JSON.stringify(body) })
    })
    return null
  } catch (error) {
    return error instanceof Refused
      ? error.refusal
      : { status: 0, title: "The server does not answer.", detail: "What was asked may have been done all the same." }
  }
}

/** Nothing comes for so long only where the connection is dead: a stream shows that it is alive every 15 s. */
const silence = 35_000

/** Reads a stream until it ends; gives what comes in one piece together. */
export const read = async (
  path: string,
  after: string | null,
  signal: AbortSignal,
  come: (events: ReadonlyArray<unknown>, lastId: string | undefined) => void
): Promise<void> => {
  const silent = new AbortController()
  const wait = () => setTimeout(() => silent.abort(new Error("nothing comes any more")), silence)
  let timer = wait()
  try {
    const response = await fetched(path, {
      headers: headers(after === null ? {} : { "last-event-id": after }),
      signal: AbortSignal.any([signal, silent.signal])
    })
    let events: Array<unknown> = []
    let lastId: string | undefined
    const parser = Sse.makeParser((event) => {
      if (event._tag !== "Event") return
      lastId = event.id ?? lastId
      events.push(JSON.parse(event.data))
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read()) {
      clearTimeout(timer)
      timer = wait()
      parser.feed(piece.value)
      if (events.length > 0) come(events, lastId)
      events = []
    }
  } finally {
    clearTimeout(timer)
  }
}
