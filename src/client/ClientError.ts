/** The errors of a client's calls. */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { BodyNotJson, BodyTooLarge, OlderReaders, QueueFull } from "../server/PublishError.ts"
import * as Asked from "./Asked.ts"

export { BodyNotJson, BodyTooLarge, OlderReaders, QueueFull } from "../server/PublishError.ts"

/**
 * Nobody let the client in, or acknowledged a message, in time: nobody leads the group, its leader does not answer, or it
 * cannot be reached. Programs exit with 3.
 *
 * `servers` is how many servers were heard at all since the start, `leader` the last one that was heard to lead.
 * `mayArrive`: the message has gone out and may still be relayed; otherwise it was taken back.
 *
 * @category errors
 * @since 0.1.0
 */
export class NobodyLeads extends Schema.TaggedError<NobodyLeads>()("NobodyLeads", {
  during: Schema.Literals(["join", "send"]),
  ...Asked.Asked.fields,
  servers: Schema.Natural,
  leader: Schema.NullOr(Schema.String),
  mayArrive: Schema.Boolean
}) {
  override readonly [Runtime.errorExitCode] = 3
  override get message() {
    const group = `group ${JSON.stringify(this.group)}`
    if (this.leader !== null) return `the leader of ${group} at ${this.leader} did not answer within ${this.within} ms`
    return this.servers > 0
      ? `nobody leads ${group}: ${this.servers} of its servers are heard, none of them led within ${this.within} ms`
      : Asked.nobody(this)
  }
}

/**
 * The client has left its group, or is about to.
 *
 * @category errors
 * @since 0.1.0
 */
export class ClientClosed extends Schema.TaggedError<ClientClosed>()("ClientClosed", {}) {
  override get message() {
    return "the client has left its group"
  }
}

/**
 * Why a message was not acknowledged.
 *
 * @category errors
 * @since 0.1.0
 */
export type SendError = BodyTooLarge | BodyNotJson | OlderReaders | QueueFull | NobodyLeads | ClientClosed
