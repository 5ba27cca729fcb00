/**
 * What messages between members are about: a name, and the schema of the bodies, given once so that both ends are typed.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Name from "./Name.ts"

/**
 * A topic. Its name is 1 to 32 bytes of text, with no blank or quote at either end and nothing invisible.
 *
 * @category models
 * @since 0.1.0
 */
export interface Topic<A> {
  readonly name: string
  readonly body: Schema.Codec<A, Schema.Json>
}

/**
 * The most bytes of the name of a topic.
 *
 * @internal
 */
export const maxNameBytes = 32

const encoder = new TextEncoder()

/**
 * Whether that may be the name of a topic.
 *
 * @internal
 */
export const isName = (text: string): boolean =>
  text !== "" && Name.isPlain(text) && encoder.encode(text).length <= maxNameBytes

/**
 * The name, if it may be one; otherwise a defect that says so.
 *
 * @internal
 */
export const named = (name: string, of: string): string => {
  if (isName(name)) return name
  throw new RangeError(
    `${Name.quoted(name)} is no name of ${of}; allowed: 1 to ${maxNameBytes} bytes of text, ${Name.allowed}`
  )
}

/**
 * The name of a topic, as messages carry it.
 *
 * @internal
 */
export const TopicName = Schema.String.check(
  Schema.makeFilter(isName, { expected: `1 to ${maxNameBytes} bytes of text, ${Name.allowed}` })
)

/**
 * A topic of that name, whose bodies are what the schema encodes to JSON. A name that may not be one is a defect.
 *
 * ```ts
 * import { Topic } from "bellwether"
 * import * as Schema from "effect/Schema"
 *
 * export const orders = Topic.make("orders", Schema.Struct({ id: Schema.Int, at: Schema.String }))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, E>(name: string, body: Schema.Codec<A, E>): Topic<A> => ({
  name: named(name, "a topic"),
  body: Schema.toCodecJson(body)
})
