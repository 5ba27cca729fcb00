/** The messages by which members hold resources: what one holds and wants, and what the leader grants. */
import * as Schema from "effect/Schema"
import * as Client from "./Client.ts"
import * as Member from "./Member.ts"
import { kind, Nonce, start } from "./MessageFields.ts"
import * as Reign from "./Reign.ts"
import * as Resources from "./Resources.ts"

/** The longest name of a space, in bytes of its JSON. */
export const maxSpaceBytes = 128

/** The longest time for which a grant can be made, in ms. */
export const maxExpiry = 3_600_000

/** The largest weight of a holder among those that share a space. */
export const maxWeight = 1_000_000

/** The name of a space. */
export const SpaceName = Schema.String.check(
  Schema.makeFilter((text: string) => text.length > 0 && Member.jsonBytes(text) <= maxSpaceBytes, {
    expected: `1 to ${maxSpaceBytes} bytes of text`
  })
)

/** The number of a grant, which rises within a reign. */
export const Grant = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 52 }))

const about = { from: start, term: Reign.Term, session: Nonce, seq: Client.Seq }

/** None carries the full header: none is a sign of life. */
export const kinds = [
  /**
   * This is ask `seq` of a session, to the leader of that term. It holds `held` by its clock, and nothing else: what it let go is
   * free, but for `ending`: that is over by its clock, and what is done with it has not ended. `wanted` is what it would hold besides; left out, it takes its share of the space, by its `weight`. `expiry`: ms for which
   * a grant lasts. `over`: this session ends.
   */
  kind("GRANTS_ASK", {
    ...about,
    space: SpaceName,
    count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Resources.maxCount })),
    expiry: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxExpiry })),
    held: Resources.Text,
    ending: Schema.optionalKey(Resources.Text),
    wanted: Schema.optionalKey(Resources.Text),
    weight: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxWeight }))),
    over: Schema.optionalKey(Schema.Literal(true))
  }),
  /**
   * The answer of the leader of that term to ask `seq`: what was asked for as `held` is held on, but for `lost`; `granted` is new, by
   * the number `grant`. `moving`: to be let go, since others are to have them. `again`: nothing is granted for so many ms more. With `refused` nothing was done: the session differs
   * from others of its space in what all must have in common, or is one too many.
   */
  kind("GRANTS_SAY", {
    ...about,
    granted: Schema.optionalKey(Resources.Text),
    grant: Schema.optionalKey(Grant),
    lost: Schema.optionalKey(Resources.Text),
    moving: Schema.optionalKey(Resources.Text),
    again: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxExpiry }))),
    refused: Schema.optionalKey(Schema.Literals(["Differs", "Full"]))
  }),
  /** The leader of that term has news for that session: it should ask now. */
  kind("GRANTS_NEWS", { from: start, term: Reign.Term, session: Nonce })
] as const
