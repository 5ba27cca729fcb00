/** The spans that servers and clients make, by a tracer that keeps them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type * as Server from "../../src/server/Server.ts"
import { SimulatedGroup } from "../../src/testing/index.ts"

/** A tracer that keeps its spans. */
const keeping = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const of = (name: string) =>
    spans.filter((span) => span.name === name).map(({ attributes, status }) =>
      Object.fromEntries([["status", status._tag], ...attributes])
    )
  return { of, traced: Effect.withTracer(tracer) }
}

const make = (app?: (server: Server.ServerShape) => Effect.Effect<unknown>) =>
  SimulatedGroup.make({
    servers: 2,
    seed: "spans",
    settings: (index) => ({ group: "orders", profile: "fast", priority: index, name: `server-${index}` }),
    ...app === undefined ? {} : { app }
  })

describe("a trace", () => {
  it.effect("has the start of each server, and each election with its outcome and term", () => {
    const { of, traced } = keeping()
    return Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      yield* group.kill(1)
      yield* group.settle()
      const { id } = yield* (yield* group.server(0)).group.self
      assert.deepInclude(of("Server.start"), { status: "Ended", group: "orders", node: id })
      const elections = of("Server.election").filter(({ node, status }) => node === id && status === "Ended")
      assert.deepStrictEqual(elections.at(-1)?.["outcome"], "won")
      assert.deepInclude(elections.at(-1), { group: "orders", election: "" })
      assert.isNumber(elections.at(-1)?.["term"])
    }).pipe(traced)
  })

  it.effect("has a reign around leading work, with its term and token, and a transfer", () => {
    const { of, traced } = keeping()
    return Effect.gen(function*() {
      const group = yield* make(({ leadership }) => leadership.whileLeader(Effect.never))
      yield* group.settle()
      const { group: one, leadership } = yield* group.server(1)
      const reign = yield* one.reign
      const [lasting] = of("Leadership.reign")
      assert.deepInclude(lasting, { status: "Started", group: "orders", election: "", term: reign?.term })
      assert.include(String(lasting?.["token"]), String(reign?.term))
      const to = (yield* (yield* group.server(0)).group.self).id
      yield* Effect.forkChild(leadership.transferTo(to))
      yield* group.advance("5 seconds")
      assert.strictEqual(of("Leadership.reign")[0]?.["status"], "Ended")
      assert.deepInclude(of("Leadership.transferTo")[0], { status: "Ended", group: "orders", to })
    }).pipe(traced)
  })

  it.effect("has the join of a client and each message that it sends", () => {
    const { of, traced } = keeping()
    return Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      const client = yield* Effect.flatMap(group.clients.add(), group.clients.at)
      yield* Effect.forkChild(Effect.andThen(client.join, client.send("hello")))
      yield* group.advance("5 seconds")
      for (const name of ["Client.join", "Client.send"]) {
        assert.deepInclude(of(name)[0], { status: "Ended", client: client.self.id }, name)
      }
    }).pipe(traced)
  })

  it.effect("that the app's tracer refuses to begin changes nothing", () => {
    const broken = Tracer.make({
      span(options) {
        if (options.name === "Server.election") throw new Error("no more spans")
        return new Tracer.NativeSpan(options)
      }
    })
    return Effect.gen(function*() {
      const group = yield* make()
      yield* group.settle()
      assert.deepStrictEqual(yield* group.leaders, [1])
    }).pipe(Effect.withTracer(broken))
  })
})
