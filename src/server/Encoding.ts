/** How what an app says becomes JSON. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A body as JSON, or the error that says why its schema does not write it. */
export const encode = <A, E>(
  schema: Schema.Codec<A, Schema.Json>,
  body: A,
  refused: (reason: string) => E
): Effect.Effect<Schema.Json, E> =>
  Effect.mapError(Schema.encodeEffect(schema)(body), ({ message }) => refused(message))
