/**
 * etcd in memory, behind an `HttpClient`: revisions, leases, transactions, watches, authentication, and the faults that a test asks
 * for. Its answers have the form of 3.4's, as seen on a real one. Its time is that of the test.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"

/** What an endpoint does with a question. `lose` carries it out, and never answers; `busy` and `timedOut` are words of etcd's. */
export type Fault = "well" | "refuse" | "hang" | "lose" | "hangUp" | "off" | "busy" | "timedOut"

interface Stored {
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly lease: string
}

interface Event {
  readonly type: "PUT" | "DELETE"
  readonly key: string
  readonly revision: number
  readonly stored: Stored | null
}

interface Watcher {
  readonly endpoint: string
  readonly isOf: (key: string) => boolean
  readonly send: (line: object) => void
  readonly end: () => void
}

/** What the questions say, of all that the fake reads. */
interface Body {
  readonly ID?: string
  readonly TTL?: string
  readonly password?: string
  readonly key?: string
  readonly range_end?: string
  readonly keys_only?: boolean
  readonly limit?: string
  readonly sort_order?: string
  readonly sort_target?: string
  readonly compare?: ReadonlyArray<Readonly<Record<string, string>>>
  readonly success?: ReadonlyArray<{
    readonly request_put?: { readonly key: string; readonly value?: string; readonly lease?: string }
    readonly request_delete_range?: { readonly key: string }
  }>
  readonly create_request?: { readonly key: string; readonly range_end: string; readonly start_revision: string }
}

export interface Asked {
  readonly endpoint: string
  readonly path: string
  readonly body: Body
  readonly token: string | undefined
}

const bytes = (text: string) => Base64.encode(text)
const text = (base64: string) => Result.getOrThrow(Base64.decodeString(base64))

/** A refusal in the words of gRPC. */
class Refusal extends Error {
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export class FakeEtcd {
  readonly asked: Array<Asked> = []
  readonly faults = new Map<string, Fault>()
  /** Faults by the path, for the next question alone. */
  readonly next: Array<{ readonly path: string; readonly fault: Fault }> = []
  readonly watchers = new Set<Watcher>()
  /** How long an answer is under way, by the path of the question, in ms. */
  readonly delays = new Map<string, number>()
  /** For how many seconds a lease is granted that is asked for so many. */
  granting: (asked: number) => number = (asked) => asked
  raftTerm = 2
  version = "3.4.45"
  clusterOf: (endpoint: string) => string = () => "14841639068965178418"
  revision = 1
  compacted = 0
  /** Where set, who has no token of these is refused. */
  password: string | null = null
  tokens = new Set<string>()
  now = 0
  granted = 0
  readonly stored = new Map<string, Stored>()
  readonly leases = new Map<string, { readonly ttl: number; until: number }>()
  readonly history: Array<Event> = []

  get watching(): number {
    return this.watchers.size
  }

  /** Of which kind the questions were, in turn. */
  paths(): ReadonlyArray<string> {
    return this.asked.map(({ path }) => path)
  }

  header(endpoint: string) {
    return {
      cluster_id: this.clusterOf(endpoint),
      member_id: "10276657743932975437",
      revision: String(this.revision),
      raft_term: String(this.raftTerm)
    }
  }

  /** Ends the leases that have run out. */
  expire(): void {
    for (const [id, { until }] of this.leases) if (until <= this.now) this.endLease(id)
  }

  endLease(id: string): void {
    this.leases.delete(id)
    this.change((_, remove) => {
      for (const [key, { lease }] of this.stored) if (lease === id) remove(key)
    })
  }

  change(
    make: (put: (key: string, value: string, lease: string) => void, remove: (key: string) => void) => void
  ): void {
    const revision = this.revision + 1
    const events: Array<Event> = []
    make((key, value, lease) => {
      const stored = { value, create: this.stored.get(key)?.create ?? revision, mod: revision, lease }
      this.stored.set(key, stored)
      events.push({ type: "PUT", key, revision, stored })
    }, (key) => {
      if (this.stored.delete(key)) events.push({ type: "DELETE", key, revision, stored: null })
    })
    if (events.length === 0) return
    this.revision = revision
    this.history.push(...events)
    for (const watcher of this.watchers) {
      if (this.faults.get(watcher.endpoint) !== "hang") this.tell(watcher, events)
    }
  }

  tell(watcher: Watcher, events: ReadonlyArray<Event>): void {
    const told = events.filter(({ key }) => watcher.isOf(key))
    if (told.length > 0) watcher.send({ result: { header: this.header(watcher.endpoint), events: told.map(eventOf) } })
  }

  compact(revision: number): void {
    this.compacted = revision
  }

  // Questions

  answer({ body, endpoint, path, token }: Asked): object {
    if (path === "/v3/auth/authenticate") return this.authenticate(endpoint, body)
    if (this.password !== null && (token === undefined || !this.tokens.has(token))) {
      throw token === undefined
        ? new Refusal(400, 3, "etcdserver: user name is empty")
        : new Refusal(401, 16, "etcdserver: invalid auth token")
    }
    const header = this.header(endpoint)
    switch (path) {
      case "/v3/kv/range":
        return { header, ...this.range(body) }
      case "/v3/kv/txn":
        return this.txn(endpoint, body)
      case "/v3/lease/grant": {
        const id = String(7_587_862_094_873_223_426n + BigInt(++this.granted))
        const ttl = this.granting(Number(body.TTL))
        this.leases.set(id, { ttl, until: this.now + ttl * 1_000 })
        return { header, ID: id, TTL: String(ttl) }
      }
      case "/v3/lease/keepalive": {
        const id = String(body.ID)
        const lease = this.leases.get(id)
        if (lease !== undefined) lease.until = this.now + lease.ttl * 1_000
        return { result: { header, ID: id, ...lease === undefined ? {} : { TTL: String(lease.ttl) } } }
      }
      case "/v3/lease/timetolive": {
        const id = String(body.ID)
        const lease = this.leases.get(id)
        const keys = [...this.stored].filter((one) => one[1].lease === id).map(([key]) => bytes(key))
        return { header, ID: id, ...lease === undefined ? { TTL: "-1" } : { TTL: "1", keys } }
      }
      case "/v3/lease/revoke": {
        const id = String(body.ID)
        if (!this.leases.has(id)) throw new Refusal(404, 5, "etcdserver: requested lease not found")
        this.endLease(id)
        return { header: this.header(endpoint) }
      }
      default:
        throw new Error(`the fake has no ${path}`)
    }
  }

  authenticate(endpoint: string, { password }: Body): object {
    if (this.password === null) throw new Refusal(400, 9, "etcdserver: authentication is not enabled")
    if (password !== this.password) {
      throw new Refusal(400, 3, "etcdserver: authentication failed, invalid user ID or password")
    }
    const token = `token.${this.tokens.size + 1}.${this.asked.length}`
    this.tokens.add(token)
    return { header: this.header(endpoint), token }
  }

  range({ key, keys_only, limit, range_end, sort_order, sort_target }: Body): object {
    const isOf = inRange(key!, range_end)
    const sign = sort_order === "DESCEND" ? -1 : 1
    const found = [...this.stored].filter(([name]) => isOf(name)).toSorted(([a, x], [b, y]) =>
      sign * (sort_target === "MOD" ? x.mod - y.mod : a < b ? -1 : 1)
    )
    const most = Number(limit ?? 0) || found.length
    const kvs = found.slice(0, most).map(([name, stored]) =>
      kvOf(name, keys_only === true ? { ...stored, value: "" } : stored)
    )
    return {
      ...found.length > 0 ? { kvs, count: String(found.length) } : {},
      ...found.length > most ? { more: true } : {}
    }
  }

  txn(endpoint: string, { compare = [], success = [] }: Body): object {
    const holds = compare.every(({ create_revision, key, lease, mod_revision, target }) => {
      const stored = this.stored.get(text(key!))
      return target === "CREATE"
        ? String(stored?.create ?? 0) === create_revision
        : target === "LEASE"
        ? (stored?.lease ?? "0") === lease
        : String(stored?.mod ?? 0) === mod_revision
    })
    if (!holds) return { header: this.header(endpoint) }
    const lost = success.some(({ request_put: put }) => put?.lease !== undefined && !this.leases.has(put.lease))
    if (lost) throw new Refusal(404, 5, "etcdserver: requested lease not found")
    this.change((put, remove) => {
      for (const { request_delete_range: gone, request_put: one } of success) {
        if (one !== undefined) put(text(one.key), one.value === undefined ? "" : text(one.value), one.lease ?? "0")
        else remove(text(gone!.key))
      }
    })
    return { header: this.header(endpoint), succeeded: true }
  }

  watch({ body, endpoint }: Asked, signal: AbortSignal): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    const create = body.create_request!
    let watcher: Watcher
    const start = Number(create.start_revision)
    return new ReadableStream({
      start: (controller) => {
        const end = () => {
          if (this.watchers.delete(watcher)) controller.close()
        }
        watcher = {
          endpoint,
          isOf: inRange(create.key, create.range_end),
          // Lines may come in pieces.
          send: (line) => {
            const whole = encoder.encode(`${JSON.stringify(line)}\n`)
            controller.enqueue(whole.slice(0, 10))
            controller.enqueue(whole.slice(10))
          },
          end
        }
        this.watchers.add(watcher)
        signal.addEventListener("abort", () => end())
        watcher.send({ result: { header: this.header(endpoint), created: true } })
        // The connection stays open, as etcd's does.
        if (start <= this.compacted) {
          watcher.send({
            result: { header: this.header(endpoint), canceled: true, compact_revision: String(this.compacted + 1) }
          })
        } else this.tell(watcher, this.history.filter(({ revision }) => revision >= start))
      },
      cancel: () => void this.watchers.delete(watcher)
    })
  }

  // HTTP

  respond(asked: Asked, signal: AbortSignal): Response | "never" | Error {
    if (asked.path === "/version") return Response.json({ etcdserver: this.version })
    this.asked.push(asked)
    const at = this.next.findIndex(({ path }) => path === asked.path)
    const fault = at >= 0 ? this.next.splice(at, 1)[0]!.fault : this.faults.get(asked.endpoint) ?? "well"
    switch (fault) {
      case "refuse":
        return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })
      case "hangUp":
        return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
      case "hang":
        return "never"
      case "off":
        return new Response("404 page not found\n", { status: 404 })
      case "busy":
        return refusalOf(new Refusal(429, 8, "etcdserver: too many requests"))
      case "timedOut":
        return refusalOf(new Refusal(503, 14, "etcdserver: request timed out"))
      default:
    }
    this.expire()
    if (asked.path === "/v3/watch") return new Response(this.watch(asked, signal))
    try {
      const answer = Response.json(this.answer(asked))
      return fault === "lose" ? "never" : answer
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return refusalOf(error)
    }
  }
}

const refusalOf = ({ code, message, status }: Refusal): Response =>
  Response.json({ error: message, message, code }, { status })

const eventOf = ({ key, revision, stored, type }: Event) => ({
  ...type === "DELETE" ? { type } : {},
  kv: stored === null ? { key: bytes(key), mod_revision: String(revision) } : kvOf(key, stored)
})

const kvOf = (key: string, { create, lease, mod, value }: Stored) => ({
  key: bytes(key),
  create_revision: String(create),
  mod_revision: String(mod),
  version: "1",
  ...value === "" ? {} : { value: bytes(value) },
  ...lease === "0" ? {} : { lease }
})

const inRange = (key: string, end: string | undefined) => {
  const from = text(key)
  const to = end === undefined ? undefined : text(end)
  return (name: string) => to === undefined ? name === from : name >= from && name < to
}

const bodyOf = (request: HttpClientRequest.HttpClientRequest) =>
  request.body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(request.body.body)) : {}

/** The client that speaks to it. It looks at its leases each half second, as etcd does. */
export const layer = (etcd: FakeEtcd): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function*() {
      const look = Effect.map(Clock.currentTimeMillis, (now) => {
        etcd.now = now
      })
      yield* Effect.forkScoped(
        Effect.forever(Effect.andThen(
          Effect.sleep("500 millis"),
          Effect.tap(look, () => Effect.sync(() => etcd.expire()))
        ))
      )
      return HttpClient.make((request, url, signal) =>
        Effect.flatMap(look, () => {
          const asked = {
            endpoint: url.origin,
            path: url.pathname,
            body: bodyOf(request),
            token: request.headers["authorization"]
          }
          const responded = etcd.respond(asked, signal)
          if (responded === "never") return Effect.never
          return Effect.delay(
            responded instanceof Error
              ? Effect.fail(
                new HttpClientError.HttpClientError({
                  reason: new HttpClientError.TransportError({ request, cause: responded })
                })
              )
              : Effect.succeed(HttpClientResponse.fromWeb(request, responded)),
            etcd.delays.get(asked.path) ?? 0
          )
        })
      )
    })
  )
