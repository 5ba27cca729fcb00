/**
 * A chat: people are clients of a group, and its servers carry what they say. It goes on while any server is there.
 */
import { Client, Group, Inbox } from "bellwether"
import { Console, Effect, Option, Schema, Stream } from "effect"

/** What is said. The bodies of messages are any JSON: what has another form is not of this chat, and is passed over. */
const Line = Schema.Struct({ says: Schema.String })
const decode = Schema.decodeUnknownOption(Line)

/** Messages as lines to read, each person's in order. */
const readable = (messages: Stream.Stream<Inbox.Message>) =>
  messages.pipe(
    Stream.map(({ body, client }) =>
      Option.toArray(decode(body)).map(({ says }) => ({ by: client, text: `${client.name}: ${says}` }))
    ),
    Stream.flattenIterable
  )

/** A server: carries what is said, and prints it. */
export const host = Effect.gen(function*() {
  const group = yield* Group.Group
  const { messages } = yield* Inbox.Inbox
  const print = Stream.runForEach(readable(messages), ({ text }) => Console.log(text))
  return yield* Effect.raceFirst(Effect.andThen(print, Effect.never), group.failed)
})

/** One person: says each of the lines, hears the others, and goes when all that was said is acknowledged. */
export const talk = Effect.fnUntraced(function*<E, R>(lines: Stream.Stream<string, E, R>) {
  const client = yield* Client.Client
  // Before we join, so that nothing is missed.
  const messages = yield* client.inbox.subscribe
  yield* readable(messages).pipe(
    Stream.filter(({ by }) => by.id !== client.self.id),
    Stream.runForEach(({ text }) => Console.log(text)),
    Effect.forkScoped
  )
  yield* client.join
  yield* Console.log("joined")
  const say = (says: string) =>
    client.send({ says }).pipe(
      // Each of these says what was wrong; the chat goes on.
      Effect.catchTags({
        BodyTooLarge: ({ message }) => Console.error(message),
        NobodyLeads: ({ message }) => Console.error(message)
      })
    )
  yield* Stream.runForEach(Stream.filter(lines, (line) => line !== ""), say)
  yield* client.drain
}, Effect.scoped)
