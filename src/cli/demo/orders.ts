/** What the demo tells the servers that it has started: lines of JSON on their standard input. */
import * as Schema from "effect/Schema"

/** How a server is to start: the first line. */
export const Launch = Schema.Struct({
  order: Schema.Literal("Launch"),
  name: Schema.String,
  priority: Schema.Int,
  group: Schema.String,
  port: Schema.Int,
  http: Schema.String,
  token: Schema.String,
  /** How many servers the group has, where a majority is to grant the lead. */
  groupSize: Schema.NullOr(Schema.Int)
})

export type Launch = typeof Launch.Type

/** An order: to start, to be cut off from the network, and to be no more. */
const Order = Schema.Union([
  Launch,
  Schema.Struct({ order: Schema.Literal("CutOff") }),
  Schema.Struct({ order: Schema.Literal("Heal") })
])

export type Order = typeof Order.Type

export const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Order))

const encode = Schema.encodeSync(Schema.fromJsonString(Order))

/** An order as a line. */
export const line = (order: Order): string => `${encode(order)}\n`
