/**
 * What the HTTP API refuses, as problem details (RFC 9457): the status, a title that never changes, and in `detail` what it was
 * this time, for people.
 *
 * @since 0.1.0
 */
import { Problem } from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import * as Member from "../../protocol/model/Member.ts"

const type = <const Name extends string>(name: Name) => `urn:bellwether:problem:${name}` as const

/**
 * The token is missing or another one.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenRefused extends Problem<TokenRefused>()("TokenRefused", {
  type: type("token-refused"),
  status: 401,
  title: "The bearer token is missing, or it is another one."
}) {}

/**
 * No token is set here, so nothing can be changed over HTTP.
 *
 * @category errors
 * @since 0.1.0
 */
export class ReadOnly extends Problem<ReadOnly>()("ReadOnly", {
  type: type("read-only"),
  status: 403,
  title: "No token is set on this server, so nothing can be changed over HTTP."
}) {}

/**
 * The request names a host that this server does not go by, or comes from a page of another site.
 *
 * @category errors
 * @since 0.1.0
 */
export class ForeignRequest extends Problem<ForeignRequest>()("ForeignRequest", {
  type: type("foreign-request"),
  status: 403,
  title: "The request names another host, or comes from a page of another site."
}) {}

/**
 * This server does not lead.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotTheLeader extends Problem<NotTheLeader>()("NotTheLeader", {
  type: type("not-the-leader"),
  status: 409,
  title: "This server does not lead."
}, { election: Schema.String }) {}

/**
 * This server takes part in no election of that name.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchElection extends Problem<NoSuchElection>()("NoSuchElection", {
  type: type("no-such-election"),
  status: 404,
  title: "This server takes part in no election of that name."
}, { election: Schema.String }) {}

/**
 * The lead cannot be handed to this one: it is no member, or takes no part in the election.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchMember extends Problem<NoSuchMember>()("NoSuchMember", {
  type: type("no-such-member"),
  status: 404,
  title: "There is no such member, or it takes no part in the election."
}, { member: Schema.String }) {}

/**
 * The lead was given up, and another than the one that was named has it.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransferFailed extends Problem<TransferFailed>()("TransferFailed", {
  type: type("transfer-failed"),
  status: 409,
  title: "The member did not take the lead."
}, { to: Member.NodeId, leader: Schema.NullOr(Member.NodeId) }) {}

/**
 * What was sent is not allowed; `detail` says what is.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotAllowed extends Problem<NotAllowed>()("NotAllowed", {
  type: type("not-allowed"),
  status: 422,
  title: "The value is not allowed."
}) {}

/**
 * No leader took the message in time. It may arrive all the same where `mayArrive`.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotDelivered extends Problem<NotDelivered>()("NotDelivered", {
  type: type("not-delivered"),
  status: 503,
  title: "No leader took the message in time."
}, { mayArrive: Schema.Boolean }) {}

/**
 * As many streams are open as this server keeps.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooManyStreams extends Problem<TooManyStreams>()("TooManyStreams", {
  type: type("too-many-streams"),
  status: 503,
  title: "As many streams are open as this server keeps."
}, { limit: Schema.Natural }) {}
