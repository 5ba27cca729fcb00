/**
 * What members ask each other: a name, and the schemas of the request, the response and the error, given once so that both
 * ends are typed.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Topic from "./Topic.ts"

/**
 * A question. Its name is spelt as that of a topic.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question<Request, Response, Error = never> {
  readonly name: string
  readonly request: Schema.Codec<Request, Schema.Json>
  readonly response: Schema.Codec<Response, Schema.Json>
  readonly error: Schema.Codec<Error, Schema.Json>
}

/**
 * A question of that name. Without an `error` its handler cannot fail. A name that may not be one is a defect.
 *
 * ```ts
 * import { Question } from "bellwether"
 * import * as Schema from "effect/Schema"
 *
 * class SoldOut extends Schema.TaggedError<SoldOut>()("SoldOut", { left: Schema.Int }) {}
 *
 * export const reserve = Question.make("reserve", {
 *   request: Schema.Struct({ seats: Schema.Int }),
 *   response: Schema.Array(Schema.String),
 *   error: SoldOut
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Request, Response, Error = never>(name: string, schemas: {
  readonly request: Schema.Codec<Request, unknown>
  readonly response: Schema.Codec<Response, unknown>
  readonly error?: Schema.Codec<Error, unknown> | undefined
}): Question<Request, Response, Error> => ({
  name: Topic.named(name, "a question"),
  request: Schema.toCodecJson(schemas.request),
  response: Schema.toCodecJson(schemas.response),
  error: Schema.toCodecJson(schemas.error ?? (Schema.Never as unknown as Schema.Codec<Error, unknown>))
})
