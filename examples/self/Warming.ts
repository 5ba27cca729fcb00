/**
 * A server says what it can do as that changes: while its cache is cold it shows so in its tags, and lets the others lead; when it is
 * warm it may lead again. All copies of the app hear of each other's changes.
 */
import { Group } from "bellwether"
import { Console, Effect, Stream } from "effect"

/** Warms the cache up. Meanwhile any other copy that is warm ranks higher. */
export const warmUp = (warming: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const group = yield* Group.Group
    yield* group.setTags({ cache: "cold" })
    // `OlderMembers`, while a copy is there that could not follow: then this one keeps its rank.
    yield* Effect.ignore(group.setPriority(-1))
    yield* warming
    yield* group.setTags({ cache: "warm" })
    yield* Effect.ignore(group.setPriority(0))
  })

/** Prints what the copies say of themselves, and who leads. */
export const watch = Effect.gen(function*() {
  const group = yield* Group.Group
  yield* Stream.runForEach(group.events, (event) =>
    event.event === "MemberChanged"
      ? Console.log(`${event.after.name}: priority ${event.after.priority}, cache ${event.after.tags["cache"]}`)
      : event.event === "LeaderChanged"
      ? Console.log(`${event.leader?.name ?? "nobody"} leads`)
      : Effect.void)
})
