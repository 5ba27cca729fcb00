/**
 * Events that the reader's version does not know: new kinds, and new fields, may be added at any time.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

const told = Schema.StructWithRest(Schema.Struct({ at: Schema.Finite, event: Schema.String }), [
  Schema.Record(Schema.String, Schema.Json)
])

/**
 * An event whose name, or something that it tells, this version does not know: `told` is the event as it was written.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UnknownEvent = told.pipe(
  Schema.decodeTo(
    Schema.Struct({ at: Schema.Finite, event: Schema.Literal("Unknown"), told: Schema.toType(told) }),
    SchemaTransformation.transform({
      decode: (told) => ({ at: told.at, event: "Unknown" as const, told }),
      encode: ({ told }) => told
    })
  )
)

/**
 * @category models
 * @since 0.1.0
 */
export type UnknownEvent = typeof UnknownEvent.Type
