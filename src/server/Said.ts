/** What may be said, and to whom: checked before anything is sent. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import type * as Schema from "effect/Schema"
import type * as Member from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import * as Encoding from "./Encoding.ts"
import * as TalkError from "./TalkError.ts"

/** Whether a member in view, this server too, has that id. */
export const isMember = ({ known, self }: State, id: Member.NodeId): boolean => id === self.id || HashMap.has(known, id)

export const noSuchMember = (member: Member.NodeId): Effect.Effect<never, TalkError.NoSuchMember> =>
  Effect.fail(new TalkError.NoSuchMember({ member }))

/** What a body is as JSON, if its schema encodes it. */
export const encoded = <A>(
  name: string,
  schema: Schema.Codec<A, Schema.Json>,
  body: A
): Effect.Effect<Schema.Json, TalkError.BodyRefused> =>
  Encoding.encode(schema, body, (reason) => new TalkError.BodyRefused({ name, reason }))

/** Refuses what takes more bytes than that. */
export const atMost = (bytes: number, limit: number): Effect.Effect<void, TalkError.BodyTooLarge> =>
  bytes > limit ? Effect.fail(new TalkError.BodyTooLarge({ bytes, limit })) : Effect.void
