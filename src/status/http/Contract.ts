/**
 * The HTTP API of one server, as a contract: the server, the typed client, `/openapi.json` and the reference page come of it.
 * Nothing here knows how it is served.
 *
 * @since 0.1.0
 */
import * as Sse from "effect/encoding/Sse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import * as Client from "../../protocol/model/Client.ts"
import * as Event from "../../protocol/model/Event.ts"
import * as Reign from "../../protocol/model/Reign.ts"
import * as Status from "../../protocol/Status.ts"
import * as Traffic from "../../server/Traffic.ts"
import * as History from "../History.ts"
import { version } from "../Version.ts"
import * as Problem from "./Problem.ts"

/**
 * Whom a request must name and where it may come from: refused before anything is looked at.
 *
 * @category middleware
 * @since 0.1.0
 */
export class SameSite extends HttpApiMiddleware.Service<SameSite>()("bellwether/status/http/SameSite", {
  error: Problem.ForeignRequest
}) {}

/**
 * May look: anybody where the server listens on loopback, else who has the token.
 *
 * @category middleware
 * @since 0.1.0
 */
export class MayLook extends HttpApiMiddleware.Service<MayLook>()("bellwether/status/http/MayLook", {
  security: { token: HttpApiSecurity.bearer },
  error: Problem.TokenRefused
}) {}

/**
 * May change things: who has the token. Where none is set, nobody.
 *
 * @category middleware
 * @since 0.1.0
 */
export class MayChange extends HttpApiMiddleware.Service<MayChange>()("bellwether/status/http/MayChange", {
  security: { token: HttpApiSecurity.bearer },
  error: [Problem.TokenRefused, Problem.ReadOnly]
}) {}

/**
 * What a server knows, with what it goes by. `sequence` is the number of the last event that it includes, as `/api/events`
 * numbers them: who reads on from there misses nothing. `settings` are those that mean something to its `backend`: `lan`, `etcd`, `sql`.
 * `sends`: whether messages can be sent through it. Servers of an older version leave both out.
 *
 * @category schemas
 * @since 0.1.0
 */
export const GroupStatus = Schema.Struct({
  group: Schema.String,
  version: Schema.String,
  sequence: Schema.String,
  ...Status.Status.fields,
  settings: Schema.Record(Schema.String, Schema.String),
  backend: Schema.optionalKey(Schema.String),
  sends: Schema.optionalKey(Schema.Boolean),
  dropped: Schema.Record(Schema.String, Schema.Natural)
})

/**
 * @category models
 * @since 0.1.0
 */
export type GroupStatus = typeof GroupStatus.Type

/**
 * What follows the number that a reader gave is not all there any more: so many events are missing, null where that is
 * not known, as after a restart of the server. The first event after it is the oldest that is there.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Gap = Schema.Struct({
  at: Schema.Finite,
  event: Schema.Literal("Gap"),
  count: Schema.NullOr(Schema.Natural)
})

/**
 * Nothing has happened for a while: the stream is alive.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Alive = Schema.Struct({ at: Schema.Finite, event: Schema.Literal("Alive") })

/**
 * The last of a stream whose reader was too slow: it lost so many events. Read on after the last one that was read.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TooSlow = Schema.Struct({
  at: Schema.Finite,
  event: Schema.Literal("TooSlow"),
  count: Schema.Natural
})

/**
 * One event on its way: what happened, or what is to be known of the stream itself.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Streamed = Schema.Union([Gap, Alive, TooSlow, Event.AnyEvent])

/**
 * @category models
 * @since 0.1.0
 */
export type Streamed = typeof Streamed.Type

const sent = <S extends Schema.Constraint>(data: S) =>
  HttpApiSchema.StreamSse({ events: Schema.Struct({ ...Sse.EventEncoded.fields, data: Schema.fromJsonString(data) }) })

const election = Schema.optionalKey(Schema.String)

/**
 * What this server knows.
 *
 * @category groups
 * @since 0.1.0
 */
export class Group extends HttpApiGroup.make("group").add(
  HttpApiEndpoint.get("status", "/api/group", { success: GroupStatus }).annotate(
    OpenApi.Summary,
    "All that this server knows at this instant"
  ),
  HttpApiEndpoint.get("history", "/api/history", { success: History.History }).annotate(
    OpenApi.Summary,
    "Reigns, absences and pauses, the oldest first"
  ),
  HttpApiEndpoint.get("events", "/api/events", {
    query: {
      /** Only events of these names; may be given several times. */
      event: Schema.optionalKey(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
      /** Reads on after this one: as `Last-Event-ID`, for who cannot send a header. */
      after: Schema.optionalKey(Schema.String)
    },
    headers: { "last-event-id": Schema.optionalKey(Schema.String) },
    success: sent(Streamed),
    error: Problem.TooManyStreams
  }).annotate(OpenApi.Summary, "The events as they happen, as server-sent events"),
  HttpApiEndpoint.get("traffic", "/api/traffic", {
    success: sent(Schema.Union([Alive, Traffic.Exchanged])),
    error: Problem.TooManyStreams
  }).annotate(OpenApi.Summary, "Messages as this server sends and hears them, as server-sent events"),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  }).annotate(OpenApi.Summary, "Its metrics, as Prometheus reads them")
).middleware(MayLook) {}

/**
 * What can be changed.
 *
 * @category groups
 * @since 0.1.0
 */
export class Control extends HttpApiGroup.make("control").add(
  HttpApiEndpoint.post("send", "/api/messages", {
    payload: Schema.Struct({ body: Schema.Json }),
    success: Schema.Struct({ seq: Client.Seq }),
    error: [Problem.NotDelivered, Problem.NotAllowed]
  }).annotate(OpenApi.Summary, "Send a message to everybody, and wait until the leader has it"),
  HttpApiEndpoint.post("resign", "/api/leadership/resign", {
    query: { election },
    success: HttpApiSchema.NoContent,
    error: [Problem.NotTheLeader, Problem.NoSuchElection]
  }).annotate(OpenApi.Summary, "Give the lead up"),
  HttpApiEndpoint.post("stepDown", "/api/leadership/step-down", {
    query: { election },
    payload: Schema.Struct({ for: Schema.String }),
    success: HttpApiSchema.NoContent,
    error: [Problem.NotAllowed, Problem.NoSuchElection]
  }).annotate(OpenApi.Summary, "Do not lead for a while, even where nobody else does"),
  HttpApiEndpoint.post("transfer", "/api/leadership/transfer", {
    query: { election },
    payload: Schema.Struct({ to: Schema.String }),
    success: HttpApiSchema.NoContent,
    error: [Problem.NotTheLeader, Problem.NoSuchElection, Problem.NoSuchMember, Problem.TransferFailed]
  }).annotate(OpenApi.Summary, "Hand the lead to a member, by its id or by its name")
).middleware(MayChange) {}

/**
 * This server is well.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Well = Schema.Struct({ ok: Schema.Literal(true) })

/**
 * This server is not well: `why` says what is missing.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Unwell = Schema.Struct({ ok: Schema.Literal(false), why: Schema.String })

const unwell = Unwell.pipe(HttpApiSchema.status(503))

/** The leader as this server follows it: left out while nobody leads. `-page` where its page is known. */
const leaderHeaders = {
  "bellwether-leader": Schema.optionalKey(Schema.String),
  "bellwether-leader-name": Schema.optionalKey(Schema.String),
  "bellwether-leader-page": Schema.optionalKey(Schema.String)
}

/**
 * This server leads, by this reign.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Leads = Schema.Struct({ ok: Schema.Literal(true), reign: Reign.Reign })

/**
 * This server does not lead. It follows this reign; null while nobody leads.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LeadsNot = Schema.Struct({ ok: Schema.Literal(false), reign: Schema.NullOr(Reign.Reign) })

/**
 * What load balancers, service managers and rolling restarts ask.
 *
 * @category groups
 * @since 0.1.0
 */
export class Probes extends HttpApiGroup.make("health").add(
  HttpApiEndpoint.get("live", "/health/live", { success: [Well, unwell] }).annotate(
    OpenApi.Summary,
    "Whether its loop runs, by its own lag"
  ),
  HttpApiEndpoint.get("ready", "/health/ready", { success: [Well, unwell] }).annotate(
    OpenApi.Summary,
    "Whether it has a view, and votes where there are leases"
  ),
  HttpApiEndpoint.get("leader", "/health/leader", {
    query: { election },
    success: [
      HttpApiSchema.WithHeaders(Leads, leaderHeaders),
      HttpApiSchema.WithHeaders(LeadsNot.pipe(HttpApiSchema.status(503)), leaderHeaders)
    ],
    error: Problem.NoSuchElection
  }).annotate(OpenApi.Summary, "200 on the leader alone, by the clock; 503 elsewhere")
) {}

/**
 * The whole of it.
 *
 * @category api
 * @since 0.1.0
 */
export class Api extends HttpApi.make("bellwether")
  .add(Group)
  .add(Control)
  .add(Probes)
  .middleware(SameSite)
  .middleware(HttpApiMiddleware.ProblemDetails)
  .annotate(OpenApi.Title, "Bellwether")
  .annotate(OpenApi.Version, version)
  .annotate(OpenApi.Description, "What one server of a group knows, does and can be told.")
{}
