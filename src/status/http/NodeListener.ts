/**
 * The HTTP server of one group's server, on Node: it listens where the settings say, and tries again while it cannot. Nothing of
 * it touches the group's work. It is loaded only where the setting `http` asks for it.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Host from "effect/net/Host"
import type * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import * as Os from "node:os"
import * as Group from "../../server/Group.ts"
import * as Leadership from "../../server/Leadership.ts"
import * as Publishing from "../../server/Publishing.ts"
import type * as Server from "../../server/Server.ts"
import * as Loopback from "../../settings/Loopback.ts"
import type * as Settings from "../../settings/Settings.ts"
import * as Answers from "./Answers.ts"
import * as Routes from "./Routes.ts"

/** What of a server is served. */
interface Served extends Pick<Server.ServerShape, "group" | "leadership"> {
  /** Null where its backend carries no messages. */
  readonly publishing: Server.ServerShape["publishing"] | null
}

/** Where a server is to listen. */
type Listening = Settings.Settings & { readonly http: Host.HostPort }

/**
 * What is told of the listener.
 *
 * @internal
 */
export interface Told {
  /** It listens: the address of its page. */
  readonly listening: (url: string) => Effect.Effect<void>
  /** It cannot: told once for each reason, and tried again. */
  readonly refused: (why: string) => Effect.Effect<void>
}

/** The most connections at a time: streams, and those who ask. */
const maxConnections = 512

/** A connection on which nothing moves for so long is closed, in ms: a stream shows that it is alive twice as often. */
const idleFor = 30_000

/** A server of Node that nothing keeps open or brings down. */
const makeServer = () => {
  const server = createServer({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 5_000,
    maxHeaderSize: 16_384
  })
  server.maxConnections = maxConnections
  server.timeout = idleFor
  // Without a listener an error of a server that already listens ends the process.
  server.on("error", () => {})
  return server
}

/** The names under which this host may be asked for. */
const ownNames = ({ http, httpHosts }: Listening): ReadonlyArray<string> => [
  ...httpHosts,
  Os.hostname(),
  ...Host.isDomainName(http.host) ? [Host.formatHost(http.host)] : []
]

/** Whether others than this host may come: by its address, or through a proxy by a name. */
const isClosed = ({ http, httpHosts }: Listening): boolean => !Loopback.isLoopback(http.host) || httpHosts.length > 0

/** How long a request that is under way has when the server stops. */
const grace = "500 millis"

const urlOf = (address: NetAddress.SocketAddress): string => HttpServer.formatAddress(address)

/** Where others find the page: of a server that listens on all its addresses, at the one that it announces. */
const pageOf = (url: string, ip: string): string =>
  `${url.replace(/^http:\/\/(0\.0\.0\.0|\[::\])/, () => `http://${ip.includes(":") ? `[${ip}]` : ip}`)}/`

/** The HTTP server, as long as the layer lasts. */
const listening = (
  { group, leadership, publishing }: Served,
  settings: Listening,
  secret: Redacted.Redacted | undefined,
  told: Told
) => {
  const server = makeServer()
  const { host, port } = settings.http
  // Once requests have had their time. Last acquired, first released: after the routes, before the server waits for its end.
  const closing = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
  const said = Effect.gen(function*() {
    const url = urlOf((yield* HttpServer.HttpServer).address)
    yield* group.announcePage(pageOf(url, (yield* group.self).ip))
    yield* told.listening(url)
  })
  return HttpRouter.serve(
    Layer.merge(
      Routes.layer({ token: secret, closed: isClosed(settings), hosts: ownNames(settings), page: "/" }),
      Answers.layer({ all: true })
    ),
    { disableLogger: true, disableListenLog: true }
  ).pipe(
    Layer.merge(Layer.effectDiscard(said)),
    Layer.provide(closing),
    Layer.provide(NodeHttpServer.layer(() => server, {
      host: Host.formatHost(host),
      port,
      gracefulShutdownTimeout: grace
    })),
    Layer.provide(Layer.succeedContext(
      Context.make(Group.Group, group).pipe(
        Context.add(Leadership.Leadership, leadership),
        Context.addOrOmit(Publishing.Publishing, Option.fromNullOr(publishing))
      )
    ))
  )
}

/** When a port that was refused is tried again. */
const again = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])

/**
 * Serves the page and the API of a server until the scope closes; `secret` is its token. It returns at once, before it listens:
 * the group's work waits for nothing here.
 *
 * @internal
 */
export const listen = Effect.fnUntraced(function*(
  server: Served,
  settings: Listening,
  secret: Redacted.Redacted | undefined,
  told: Told
): Effect.fn.Return<void, never, Scope.Scope> {
  // At once, so that what is opened in it later is not closed before what the caller acquires meanwhile.
  const scope = yield* Scope.fork(yield* Effect.scope)
  let last = ""
  const attempt = Effect.gen(function*() {
    const own = yield* Scope.fork(scope)
    yield* Layer.buildWithScope(listening(server, settings, secret, told), own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
  })
  yield* attempt.pipe(
    Effect.tapError((error) => {
      const why = error.cause instanceof Error ? error.cause.message : String(error.cause)
      if (why === last) return Effect.void
      last = why
      return told.refused(why)
    }),
    Effect.retry(again),
    Effect.forkIn(scope)
  )
})
