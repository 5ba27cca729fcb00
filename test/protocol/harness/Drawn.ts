/**
 * Messages drawn at random, of every kind and saying anything that their schemas allow. Free texts are drawn without
 * limit and cut to theirs: nearly all that a schema alone would draw are too long or empty.
 */
import * as Arbitrary from "effect/Arbitrary"
import { pipe } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Client from "../../../src/protocol/model/Client.ts"
import * as GrantMessages from "../../../src/protocol/model/GrantMessages.ts"
import * as Member from "../../../src/protocol/model/Member.ts"
import * as Message from "../../../src/protocol/model/Message.ts"
import * as TalkMessages from "../../../src/protocol/model/TalkMessages.ts"

const string = Arbitrary.schema(Schema.String)

const cut = (text: string, limit: number): string => {
  let shorter = text.slice(0, limit)
  while (Member.jsonBytes(shorter) > limit) shorter = shorter.slice(0, -1)
  return shorter
}

const text = (limit: number) => Arbitrary.map(string, (text) => cut(text, limit) || "x")

const tags = Arbitrary.map(Arbitrary.schema(Schema.Record(Schema.String, Schema.String)), (tags) => {
  const entries = Object.entries(tags)
  while (Member.jsonBytes(Object.fromEntries(entries)) > Member.limits.tags) entries.pop()
  return Object.fromEntries(entries)
})

export const member: Arbitrary.Arbitrary<Member.Member> = pipe(
  Arbitrary.all({
    rest: Arbitrary.schema(Schema.Struct(Struct.omit(Member.Member.fields, ["name", "hostname", "tags"]))),
    name: text(Member.limits.name),
    hostname: text(Member.limits.hostname),
    tags
  }),
  Arbitrary.map(({ rest, ...texts }) => ({ ...rest, ...texts }))
)

const listed = pipe(
  Arbitrary.all({
    rest: Arbitrary.schema(Schema.Struct(Struct.omit(Message.Listed.fields, ["name", "hostname", "tags"]))),
    name: text(Member.limits.name),
    details: Arbitrary.all({ hostname: text(Member.limits.hostname), tags }),
    isDetailed: Arbitrary.schema(Schema.Boolean)
  }),
  Arbitrary.map(({ details, isDetailed, name, rest }): Message.Listed => ({
    ...rest,
    name,
    ...(isDetailed ? details : {})
  }))
)

const client = pipe(
  Arbitrary.all({ id: Arbitrary.schema(Client.ClientId), name: text(Member.limits.name) }),
  Arbitrary.map((client): Client.Client => client)
)

const commander = Arbitrary.all({ user: text(Member.limits.name), host: text(Member.limits.hostname) })

/** Any JSON, and in place of what is too long for a message a text that just fits. */
export const body = Arbitrary.map(
  Arbitrary.schema(Schema.Json),
  (body): Client.Body => Client.bodyBytes(body) <= Client.maxBodyBytes ? body : cut(JSON.stringify(body), 510)
)

const topic = Arbitrary.schema(Schema.Literals(["orders", "a \"b\" c", "größe", "\\".repeat(32)]))

const { cases } = Message.Message

/** What a kind says besides who says it and texts. */
const rest = (type: Message.Message["type"]): Arbitrary.Arbitrary<object> => {
  const {
    body: _,
    by: _____,
    client,
    election: __,
    list: ___,
    older: ______,
    sender: ____,
    space: __________,
    text: _______,
    topic: ________,
    question: _________,
    ...others
  } = cases[type].fields as Readonly<Record<string, Schema.Constraint>>
  // An acknowledgement names the client by its id alone.
  const fields = client === undefined || client === Client.Client ? others : { ...others, client }
  return Arbitrary.schema(Schema.Struct(fields)) as Arbitrary.Arbitrary<object>
}

/** Messages of one kind. */
export const ofType = <Type extends Message.Message["type"]>(type: Type): Arbitrary.Arbitrary<Message.Of<Type>> =>
  pipe(
    Arbitrary.all({
      rest: rest(type),
      ...("sender" in cases[type].fields ? { sender: member } : {}),
      ...("client" in cases[type].fields && cases[type].fields.client === Client.Client ? { client } : {}),
      ...("body" in cases[type].fields ? { body } : {}),
      ...("by" in cases[type].fields ? { by: commander } : {}),
      ...("election" in cases[type].fields ? { election: Arbitrary.map(string, (text) => cut(text, 32)) } : {}),
      ...("older" in cases[type].fields ? { older: Arbitrary.array(text(Member.limits.name), { maxLength: 3 }) } : {}),
      // The default topic of what clients send has no name.
      ...("topic" in cases[type].fields
        ? {
          topic: "client" in cases[type].fields ? Arbitrary.schema(Schema.Literals(["", "orders", "\u00fc 1"])) : topic
        }
        : {}),
      ...("text" in cases[type].fields
        ? { text: Arbitrary.map(string, (text) => cut(text, TalkMessages.maxPartBytes)) }
        : {}),
      ...("question" in cases[type].fields ? { question: topic } : {}),
      ...("space" in cases[type].fields ? { space: text(GrantMessages.maxSpaceBytes) } : {}),
      ...("list" in cases[type].fields ? { list: Arbitrary.array(listed, { maxLength: 12 }) } : {})
    }),
    Arbitrary.map(({ rest, ...own }) => {
      const { topic, ...others } = own as typeof own & { readonly topic?: string }
      return { ...rest, ...others, ...topic === undefined || topic === "" ? {} : { topic } } as unknown as Message.Of<
        Type
      >
    })
  )

/** Every kind there is. */
export const types = Object.keys(cases) as ReadonlyArray<Message.Message["type"]>

/** Messages of every kind. */
export const message: Arbitrary.Arbitrary<Message.Message> = pipe(
  Arbitrary.schema(Schema.Literals(types)),
  Arbitrary.flatMap((type) => ofType(type) as Arbitrary.Arbitrary<Message.Message>)
)
