/**
 * Messages drawn at random, of every kind and saying anything that their schemas allow. Free texts are drawn without
 * limit and cut to theirs: nearly all that a schema alone would draw are too long or empty.
 */
import * as Arbitrary from "effect/Arbitrary"
import { pipe } from "effect/Function"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Member from "../../../src/protocol/Member.ts"
import * as Message from "../../../src/protocol/Message.ts"

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
    rest: Arbitrary.schema(Schema.Struct(Struct.omit(Message.Listed.fields, ["name"]))),
    name: text(Member.limits.name)
  }),
  Arbitrary.map(({ name, rest }) => ({ ...rest, name }))
)

const { cases } = Message.Message

/** What a kind says besides who says it and texts. */
const rest = (type: Message.Message["type"]): Arbitrary.Arbitrary<object> => {
  const { election: _, list: __, sender: ___, ...fields } = cases[type].fields as Readonly<
    Record<string, Schema.Constraint>
  >
  return Arbitrary.schema(Schema.Struct(fields)) as Arbitrary.Arbitrary<object>
}

/** Messages of one kind. */
export const ofType = <Type extends Message.Message["type"]>(type: Type): Arbitrary.Arbitrary<Message.Of<Type>> =>
  pipe(
    Arbitrary.all({
      rest: rest(type),
      ...("sender" in cases[type].fields ? { sender: member } : {}),
      ...("election" in cases[type].fields ? { election: Arbitrary.map(string, (text) => cut(text, 32)) } : {}),
      ...("list" in cases[type].fields ? { list: Arbitrary.array(listed, { maxLength: 12 }) } : {})
    }),
    Arbitrary.map(({ rest, ...own }) => ({ ...rest, ...own }) as unknown as Message.Of<Type>)
  )

/** Every kind there is. */
export const types = Object.keys(cases) as ReadonlyArray<Message.Message["type"]>

/** Messages of every kind. */
export const message: Arbitrary.Arbitrary<Message.Message> = pipe(
  Arbitrary.schema(Schema.Literals(types)),
  Arbitrary.flatMap((type) => ofType(type) as Arbitrary.Arbitrary<Message.Message>)
)
