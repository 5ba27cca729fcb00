/** The HTTP API over a simulated group: what each route answers, to whom, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Looking from "../../../src/status/http/Looking.ts"
import { authorized, json, served, token, turn } from "./Served.ts"

describe("who looks", () => {
  it.effect("sees the whole group at one instant, settings less secrets", () =>
    Effect.gen(function*() {
      const { client, server } = yield* served()
      const status = yield* client.group.status()
      assert.deepStrictEqual(status.members.map(({ name }) => name), ["server-1", "server-0"])
      assert.isTrue(status.elections[0]?.leads)
      assert.strictEqual(status.self.id, (yield* server.group.self).id)
      assert.strictEqual(status.settings["profile"], "fast")
      assert.strictEqual(status.group, server.group.settings.group)
      assert.match(status.sequence, /^\d+-\d+$/)
    }))

  it.effect("sees who has led, as long as it is known", () =>
    Effect.gen(function*() {
      const { client, group } = yield* served({ index: 0 })
      yield* group.kill(1)
      yield* group.settle()
      const { absences, reigns } = yield* client.group.history()
      assert.deepStrictEqual(reigns.map(({ end, leader }) => [leader.name, end]).slice(-2), [
        ["server-1", reigns.at(-1)?.cause],
        ["server-0", null]
      ])
      assert.deepStrictEqual(absences.map(({ member, to }) => [member.name, to]), [["server-1", null]])
    }))

  it.effect("is told whether the server runs, is ready and leads", () =>
    Effect.gen(function*() {
      const { ask, client } = yield* served()
      assert.deepStrictEqual(yield* client.health.live(), { ok: true })
      assert.deepStrictEqual(yield* client.health.ready(), { ok: true })
      const leads = yield* ask("/health/leader")
      assert.strictEqual(leads.status, 200)
      assert.strictEqual(leads.headers.get("bellwether-leader-name"), "server-1")
    }))

  it.effect("is told by another than the leader who leads, with 503", () =>
    Effect.gen(function*() {
      const { ask, server } = yield* served({ index: 0 })
      const follows = yield* ask("/health/leader")
      assert.strictEqual(follows.status, 503)
      assert.strictEqual(follows.headers.get("bellwether-leader"), (yield* server.group.reign)?.leader.id)
      assert.strictEqual(follows.body?.["ok"], false)
      const nowhere = yield* ask("/health/leader?election=orders")
      assert.strictEqual(nowhere.status, 404)
    }))

  it.effect("finds the app's own routes untouched, and a description of the API", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* served()
      const own = yield* Effect.promise(() => fetch(`${url}/own`).then((response) => response.text()))
      assert.strictEqual(own, "the app's")
      const { body } = yield* ask("/openapi.json")
      const paths = Object.keys(body?.["paths"] as object)
      assert.includeMembers(paths, ["/api/group", "/api/events", "/health/leader", "/api/leadership/transfer"])
    }))

  it.effect("needs the token where the server is closed, but not for the health", () =>
    Effect.gen(function*() {
      const { ask } = yield* served({ options: { token, closed: true } })
      const refused = yield* ask("/api/group")
      assert.strictEqual(refused.status, 401)
      assert.strictEqual(refused.headers.get("content-type"), "application/problem+json")
      assert.strictEqual(
        (yield* ask("/api/group", { headers: { authorization: "Bearer fedcba9876543210" } })).status,
        401
      )
      assert.strictEqual((yield* ask("/api/group", { headers: authorized })).status, 200)
      assert.strictEqual((yield* ask("/health/ready")).status, 200)
    }))
})

describe("events", () => {
  /** What a stream sends until the text has come, or until it ends. */
  const until = (url: string, end: string, init: RequestInit = {}) =>
    Effect.scoped(Effect.gen(function*() {
      const signal = yield* Effect.abortSignal
      return yield* Effect.promise(async () => {
        const response = await fetch(url, { ...init, signal })
        let all = ""
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
          all += chunk
          if (all.includes(end)) break
        }
        return all
      })
    }))

  it.effect("are read on where a reader stopped, none twice and none missing", () =>
    Effect.gen(function*() {
      const { client, url } = yield* served({ index: 0 })
      const { self } = yield* client.group.status()
      const all = yield* until(`${url}/api/events?after=${self.incarnation}-0`, "LeaderChanged\n")
      const ids = [...all.matchAll(/^id: (.+)$/gm)].map(([, id]) => id!)
      assert.deepStrictEqual(ids.slice(0, 2), [`${self.incarnation}-1`, `${self.incarnation}-2`])
      const rest = yield* until(`${url}/api/events`, "LeaderChanged\n", { headers: { "last-event-id": ids[0]! } })
      assert.deepStrictEqual([...rest.matchAll(/^id: (.+)$/gm)].map(([, id]) => id!), ids.slice(1))
    }))

  it.effect("of another start of the server begin with a gap, and then the oldest that there is", () =>
    Effect.gen(function*() {
      const { url } = yield* served({ index: 0 })
      const all = yield* until(`${url}/api/events?after=1-5`, "LeaderChanged\n")
      assert.match(all, /event: Gap\ndata: .*"count":null[\s\S]*event: Started/)
    }))

  it.effect("are those that are asked for", () =>
    Effect.gen(function*() {
      const { client, url } = yield* served({ index: 0 })
      const { self } = yield* client.group.status()
      const all = yield* until(`${url}/api/events?event=LeaderChanged&after=${self.incarnation}-0`, "LeaderChanged\n")
      assert.notInclude(all, "event: Started")
      assert.notInclude(all, "event: MemberJoined")
    }))

  it.effect("come typed to the client, as they happen", () =>
    Effect.gen(function*() {
      const { client, group } = yield* served({ index: 0 })
      const { self } = yield* client.group.status()
      const events = yield* client.group.events({ query: { after: `${self.incarnation}-0` }, headers: {} })
      const seen = yield* events.pipe(
        Stream.filter(({ event }) => event === "LeaderChanged" || event === "MemberRemoved"),
        Stream.tap(({ event }) => event === "LeaderChanged" ? group.stop(1) : Effect.void),
        Stream.takeUntil(({ event }) => event === "MemberRemoved"),
        Stream.runCollect
      )
      assert.strictEqual(seen.at(-1)?.data.event, "MemberRemoved")
    }))

  it.effect("end with the last one when the server has left", () =>
    Effect.gen(function*() {
      const { client, group, url } = yield* served({ index: 0 })
      const { self } = yield* client.group.status()
      yield* group.stop(0)
      const all = yield* until(`${url}/api/events?after=${self.incarnation}-0`, "never")
      assert.match(all, /event: Left\ndata: .*\n\n$/)
    }))

  it.effect("are served to so many readers and no more", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* served()
      const signal = yield* Effect.abortSignal
      yield* Effect.promise(() =>
        Promise.all(Array.from({ length: Looking.maxStreams }, () => fetch(`${url}/api/events`, { signal })))
      )
      const one = yield* ask("/api/events")
      assert.strictEqual(one.status, 503)
      assert.strictEqual(one.body?.["type"], "urn:bellwether:problem:too-many-streams")
      assert.strictEqual((yield* ask("/api/group")).status, 200)
    }))
})

describe("a place for a stream", () => {
  it.effect("is given back by a reader that goes, and by one that asks for the head alone", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* served()
      const head = Effect.map(ask("/api/events", { method: "HEAD" }), ({ status }) => status)
      const gone = Effect.promise(async () => {
        const controller = new AbortController()
        await Promise.all(
          Array.from({ length: Looking.maxStreams }, () => fetch(`${url}/api/events`, { signal: controller.signal }))
        )
        controller.abort()
      })
      yield* gone
      yield* Effect.repeat(head, { until: (status) => status === 200 })
      yield* Effect.repeat(head, { while: (status) => status === 200, times: Looking.maxStreams + 1 })
      assert.strictEqual(yield* head, 200)
    }))
})

describe("who changes things", () => {
  const post = (path: string, body?: unknown, headers: Record<string, string> = json) =>
    [path, { method: "POST", headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }] as const

  it.effect("makes the leader resign, and a follower not", () =>
    Effect.gen(function*() {
      const { ask, client, group } = yield* served()
      yield* client.control.resign({ query: {} })
      yield* group.settle()
      const { elections: [own] } = yield* client.group.status()
      assert.isFalse(own?.leads)
      const again = yield* ask(...post("/api/leadership/resign"))
      assert.strictEqual(again.status, 409)
      assert.strictEqual(again.body?.["title"], "This server does not lead.")
    }))

  it.effect("hands the lead to a member by its name, and to nobody who is not there", () =>
    Effect.gen(function*() {
      const { ask, client, group } = yield* served()
      const none = yield* Effect.flip(client.control.transfer({ query: {}, payload: { to: "nobody" } }))
      assert.strictEqual(none._tag, "NoSuchMember")
      const answer = yield* Effect.forkChild(ask(...post("/api/leadership/transfer", { to: "server-0" })))
      yield* Effect.raceFirst(Fiber.await(answer), Effect.forever(Effect.andThen(turn, group.settle())))
      assert.strictEqual((yield* Fiber.join(answer)).status, 204)
      const { elections: [own], members } = yield* client.group.status()
      assert.strictEqual(own?.reign?.leader.id, members.find(({ name }) => name === "server-0")?.id)
    }))

  it.effect("takes a server out of the election for a while, for a time that is one", () =>
    Effect.gen(function*() {
      const { ask, client } = yield* served()
      for (const bad of ["soon", "0 millis", "25 hours", "-1 seconds", "Infinity"]) {
        const refused = yield* ask(...post("/api/leadership/step-down", { for: bad }))
        assert.strictEqual(refused.status, 422, bad)
      }
      yield* client.control.stepDown({ query: {}, payload: { for: "30 seconds" } })
      const { elections: [own] } = yield* client.group.status()
      assert.isAbove(own?.ineligible ?? 0, 29_000)
    }))

  it.effect("sends messages, no longer than they may be", () =>
    Effect.gen(function*() {
      const { ask, client } = yield* served()
      assert.deepStrictEqual(yield* client.control.send({ payload: { body: { a: 1 } } }), { seq: 1 })
      assert.strictEqual((yield* ask(...post("/api/messages", { body: "x".repeat(20_000) }))).status, 200)
      assert.strictEqual((yield* ask(...post("/api/messages", { body: "x".repeat(100_000) }))).status, 413)
      assert.strictEqual((yield* ask("/api/messages", { method: "POST", headers: json, body: "{" })).status, 400)
    }))

  it.effect("has the token, and comes from no other site: else nothing is changed", () =>
    Effect.gen(function*() {
      const { ask, client } = yield* served()
      const tries: ReadonlyArray<readonly [number, Record<string, string>]> = [
        [401, { "content-type": "application/json" }],
        [401, { authorization: "Bearer x" }],
        [401, { authorization: "Basic MDEyMzQ1Njc4OWFiY2RlZjo=" }],
        [403, { ...json, "sec-fetch-site": "cross-site" }],
        [403, { ...json, origin: "http://evil.example" }],
        [403, { ...json, origin: "null" }]
      ]
      for (const [status, headers] of tries) {
        const refused = yield* ask(...post("/api/leadership/resign", undefined, headers))
        assert.strictEqual(refused.status, status)
        assert.strictEqual(refused.body?.["status"], status)
      }
      assert.isTrue((yield* client.group.status()).elections[0]?.leads)
    }))

  it.effect("is nobody where no token is set", () =>
    Effect.gen(function*() {
      const { ask } = yield* served({ options: {} })
      const refused = yield* ask(...post("/api/leadership/resign"))
      assert.strictEqual(refused.status, 403)
      assert.strictEqual(refused.body?.["type"], "urn:bellwether:problem:read-only")
      assert.strictEqual((yield* ask("/api/group")).status, 200)
    }))

  it.effect("names an election that the server takes part in", () =>
    Effect.gen(function*() {
      const { ask, client, server } = yield* served()
      const { status } = yield* ask(...post("/api/leadership/resign?election=orders"))
      assert.strictEqual(status, 404)
      assert.lengthOf((yield* client.group.status()).elections, 1)
      yield* server.leadership.of("orders")
      const after = yield* ask(...post("/api/leadership/resign?election=orders"))
      assert.strictEqual(after.status, 409)
    }))
})
