/** What an examination of etcd has seen: facts alone, from which the findings follow. */
import * as Schema from "effect/Schema"
import * as EtcdFailed from "../../etcd/EtcdFailed.ts"
import * as Member from "../../protocol/model/Member.ts"

/** Why a question was not answered, and whether that is because a certificate is not believed. */
export const Failure = Schema.Struct({
  kind: EtcdFailed.Kind,
  detail: Schema.String,
  untrusted: Schema.Boolean
})

export type Failure = typeof Failure.Type

/** One endpoint: null is what was not asked, or not answered. `read` is a question that a majority has to answer. */
export const Endpoint = Schema.Struct({
  url: Schema.String,
  version: Schema.NullOr(Schema.String),
  status: Schema.NullOr(
    Schema.Struct({
      cluster: Schema.String,
      node: Schema.String,
      /** The node that leads, as this one knows; null where it knows of none. */
      leader: Schema.NullOr(Schema.String),
      errors: Schema.Array(Schema.String)
    })
  ),
  read: Schema.NullOr(Schema.Struct({ took: Schema.Finite, failure: Schema.NullOr(Failure) }))
})

export type Endpoint = typeof Endpoint.Type

/** A key of its own that was put and removed again; null where that was not tried. */
const Write = Schema.NullOr(Schema.Struct({ took: Schema.Finite, failure: Schema.NullOr(Failure) }))

/**
 * A lease that was granted for so many ms and not renewed. `ended`: so many ms after it was asked for, its key was last seen there, and
 * was first seen gone; null where it was there to the end of the examination.
 */
const Lease = Schema.NullOr(
  Schema.Struct({
    ttl: Schema.Finite,
    waited: Schema.Finite,
    ended: Schema.NullOr(Schema.Struct({ there: Schema.Finite, gone: Schema.Finite }))
  })
)

/** All of it. `authenticated`: whether a name and a password were given. */
export const EtcdObservations = Schema.Struct({
  group: Schema.String,
  prefix: Schema.String,
  authenticated: Schema.Boolean,
  lasted: Schema.Finite,
  endpoints: Schema.Array(Endpoint),
  write: Write,
  lease: Lease,
  /** Who is in the group; null where that could not be read. */
  members: Schema.NullOr(Schema.Array(Member.Member)),
  leader: Schema.NullOr(Member.NodeId)
})

export type EtcdObservations = typeof EtcdObservations.Type
