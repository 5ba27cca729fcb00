/**
 * Servers that talk: the leader keeps the stock, the others ask it for some, and all hear how much is left.
 *
 * The stock is in the leader's memory, and the next leader begins anew: what must outlive the leader belongs in a store.
 */
import { Group, Members, Question, Topic } from "bellwether"
import { Console, Effect, Layer, Random, Ref, Schedule, Schema, Stream } from "effect"

/** How much is left, told to all: the next message replaces the last, so it does not matter if one is lost. */
export const left = Topic.make("left", Schema.Struct({ apples: Schema.Int }))

export class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { left: Schema.Int }) {}

/** Asked of the leader, which handles it once at most. */
export const take = Question.make("take", {
  request: Schema.Struct({ apples: Schema.Int }),
  response: Schema.Struct({ left: Schema.Int }),
  error: SoldOut
})

/** Asked of all. */
export const load = Question.make("load", { request: Schema.Null, response: Schema.Int })

/** What every server answers. */
export const answers = (apples: number) =>
  Layer.unwrap(Effect.gen(function*() {
    const members = yield* Members.Members
    const stock = yield* Ref.make(apples)
    const taking = Members.handler(take, ({ apples }, from) =>
      Effect.gen(function*() {
        const before = yield* Ref.get(stock)
        if (apples > before) return yield* new SoldOut({ left: before })
        const after = yield* Ref.updateAndGet(stock, (now) => now - apples)
        yield* Console.log(`${from.name} took ${apples}`)
        // It fits a datagram.
        yield* Effect.orDie(members.broadcast(left, { apples: after }))
        return { left: after }
      }))
    return Layer.merge(taking, Members.handler(load, () => Random.nextIntBetween(0, 100)))
  }))

/** Prints what all are told. */
const listen = Effect.gen(function*() {
  const members = yield* Members.Members
  yield* Stream.runForEach(
    members.messages(left),
    ({ body, from }) => Console.log(`${from.name} has ${body.apples} left`)
  )
})

/** Takes an apple from the leader; what keeps it from that is printed. */
const takeOne = Effect.gen(function*() {
  const members = yield* Members.Members
  yield* members.ask("leader", take, { apples: 1 }, { within: "1 second" }).pipe(
    Effect.catchTags({
      SoldOut: ({ left }) => Console.log(`sold out: ${left} left`),
      // It may have been taken: to ask again might take a second one.
      NoAnswer: ({ message }) => Console.log(message),
      NotLeading: ({ message }) => Console.log(message)
    }),
    Effect.catch(({ message }) => Console.log(message))
  )
})

/** Who is how busy, and who did not say so. */
const ofAll = Effect.gen(function*() {
  const members = yield* Members.Members
  yield* Stream.runForEach(members.askAll(load, null, { within: "1 second" }), (answer) =>
    answer._tag === "Silent"
      ? Console.log(`${answer.members.length} did not answer`)
      : Console.log(`${answer.from.name}: ${answer.result._tag}`))
})

/** One server: listens, and once there is a leader takes one apple after the other. */
export const server = Effect.gen(function*() {
  const group = yield* Group.Group
  yield* Effect.forkScoped(listen)
  yield* Stream.runHead(Stream.filter(group.changes, ({ reign }) => reign !== null))
  yield* ofAll
  const taking = Effect.repeat(takeOne, Schedule.spaced("1 second"))
  return yield* Effect.raceFirst(taking, group.failed)
}).pipe(Effect.scoped, Effect.provide(answers(10)))
