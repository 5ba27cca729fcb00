/**
 * A client of the API of one server: who leads now, and each change of leader from there on, also when the server was away.
 *
 *     node examples/orders-api/follow.ts http://127.0.0.1:3000
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as StatusClient from "bellwether/StatusClient"
import { Console, Effect, Schedule, Stream } from "effect"
import { FetchHttpClient } from "effect/http"

const url = process.argv[2] ?? "http://127.0.0.1:3000"

const follow = Effect.gen(function*() {
  const client = yield* StatusClient.make({ url })
  const status = yield* client.group.status()
  const leader = status.members.find(({ id }) => id === status.elections[0]?.reign?.leader.id)
  yield* Console.log(leader === undefined ? "nobody leads" : `${leader.name} leads`)
  // All that follows the status: nothing is missed between the two.
  const events = yield* client.group.events({ query: { event: "LeaderChanged", after: status.sequence }, headers: {} })
  yield* Stream.runForEach(events, ({ data }) =>
    data.event === "LeaderChanged"
      ? Console.log(data.leader === null ? "nobody leads" : `${data.leader.name} leads`)
      : Effect.void)
})

follow.pipe(
  // The stream ends when the server stops, and fails when it is not there.
  Effect.andThen(Effect.fail("the server is away")),
  Effect.retry(Schedule.spaced("1 second")),
  Effect.provide(FetchHttpClient.layer),
  NodeRuntime.runMain
)
