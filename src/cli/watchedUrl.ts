/** A group as `watch` sees it by the HTTP API of one of its servers. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Supervisor from "../engine/Supervisor.ts"
import type * as Contract from "../status/http/Contract.ts"
import * as Model from "../status/terminal/Model.ts"
import * as Seen from "../status/terminal/Seen.ts"
import * as StatusClient from "../StatusClient.ts"
import type { Change } from "./screen.ts"

/** The server wants a token, or another one; or it is not to be asked by this address. */
export class UrlRefused extends Schema.TaggedError<UrlRefused>()("UrlRefused", {
  url: Schema.String,
  why: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `${this.url} refused: ${this.why}`
  }
}

const refusals: Readonly<Record<string, string>> = {
  TokenRefused: "it wants the token of the server; set BELLWETHER_HTTP_TOKEN, or --http-token-file",
  ForeignRequest: "it is not to be reached by this name; add it to httpHosts there, or use an address"
}

/** How long between two looks, and before what failed is tried again. */
const pace = "1 second"

/** How long an answer may take. */
const patience = "5 seconds"

/** Why a server could not be asked, as far as the system tells. */
const why = (error: unknown): string => {
  let cause: unknown = Predicate.hasProperty(error, "reason") ? error.reason : error
  for (; Predicate.isObject(cause); cause = "cause" in cause ? cause.cause : undefined) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
  }
  return Predicate.isTagged(error, "TimeoutError")
    ? "no answer in time"
    : Predicate.isTagged(error, "HttpClientError")
    ? "no answer"
    : "its answer is none of a Bellwether server"
}

/** What is streamed as a change of the model. */
const changeOf = (data: Contract.Streamed): Change => (model) => {
  switch (data.event) {
    case "Alive":
      return model
    case "Gap":
      return Model.noted(model, data.at, `${data.count ?? "some"} events before this are not kept any more`)
    case "TooSlow":
      return Model.noted(model, data.at, `this reader was too slow and lost ${data.count} events`)
    case "Unknown":
      return Model.noted(model, data.at, `${data.told.event}, which this version does not know`)
    default:
      return Model.happened(model, data)
  }
}

interface Options {
  readonly url: string
  readonly token: Redacted.Redacted | undefined
}

/** Watches until the scope closes. `update` is given each change, `refresh` is what is newly known at any instant. */
export const make = Effect.fnUntraced(function*({ token, url }: Options, update: (change: Change) => void) {
  const { group } = yield* Effect.provide(StatusClient.make({ url, token }), FetchHttpClient.layer)
  let answered: { readonly at: number; readonly monotonic: number } | undefined
  let last: string | undefined
  const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  const status = Effect.timeout(group.status(), patience)
  const see = Effect.gen(function*() {
    const { group: name, ...known } = yield* status
    answered = { at: known.at, monotonic: yield* monotonic }
    const seen = Seen.ofStatus(known, { group: name, where: `by ${url}`, isOwn: false })
    update((model) => Model.saw(model, seen))
  })
  const refusal = (error: unknown): UrlRefused | undefined => {
    const said = Predicate.hasProperty(error, "_tag") ? refusals[String(error._tag)] : undefined
    return said === undefined ? undefined : new UrlRefused({ url, why: said })
  }
  const looking = see.pipe(
    Effect.catch((error) => {
      update((model) => Model.stale(model, `${url} does not answer (${why(error)}); it is asked again`))
      return Effect.void
    }),
    Effect.andThen(Effect.sleep(pace)),
    Effect.forever
  )
  const reading = Effect.gen(function*() {
    const { self } = yield* status
    // At first all that the server still has.
    last ??= `${self.incarnation}-0`
    const events = yield* group.events({ query: { after: last }, headers: {} })
    yield* Stream.runForEach(events, ({ data, id }) =>
      Effect.sync(() => {
        last = id ?? last
        update(changeOf(data))
      }))
  }).pipe(Effect.ignore, Effect.andThen(Effect.sleep(pace)), Effect.forever)
  // What is refused at first is refused for good; what is only not there yet may come.
  yield* Effect.catch(see, (error) => {
    const refused = refusal(error)
    return refused === undefined ? Effect.void : Effect.fail(refused)
  })
  const supervisor = yield* Supervisor.make(() => Effect.void)
  yield* supervisor.keep("looking", looking)
  yield* supervisor.keep("events", reading)
  const refresh = Effect.map(monotonic, (now): Change => {
    const since = answered
    return since === undefined ? (model) => model : (model) => Model.passed(model, since.at + now - since.monotonic)
  })
  return { refresh, failed: supervisor.failed }
})
