/**
 * The commands, with their flags. What a command does is loaded when it is called for.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Order from "../client/Command.ts"
import * as Settings from "../settings/Settings.ts"
import { version } from "../status/Version.ts"
import * as Backend from "./backend.ts"
import * as EtcdFlags from "./etcd/flags.ts"
import * as Given from "./given.ts"
import type * as Log from "./log.ts"
import * as Options from "./options.ts"
import * as Refusal from "./refusal.ts"
import * as Serving from "./serving.ts"

const serveFlags = {
  backend: Options.backend,
  etcd: Options.etcdFlagsOf(EtcdFlags.keys),
  ...Options.flagsOf(Settings.flagKeys),
  "log-format": Options.logFormat,
  json: Options.json.pipe(Flag.withDescription("standard output becomes the stream of events, one JSON object a line"))
}
const answer = Options.timeout("how long to wait for an answer", Duration.seconds(2))
const acknowledgement = Options.timeout("how long to wait until a message is acknowledged", Duration.seconds(10))
const everyAcknowledgement = Options.timeout("how long to wait until a line is acknowledged", Duration.minutes(1))
const askFlags = {
  backend: Options.backend,
  etcd: Options.etcdFlagsOf(Options.etcdAskingKeys),
  ...Options.flagsOf(Options.askingKeys),
  timeout: answer,
  "this-host": Options.thisHost,
  json: Options.json.pipe(Flag.withDescription("print one JSON object"))
}
const watchFlags = { ...Options.flagsOf(Options.watchingKeys), url: Options.url }
const sendFlags = {
  text: Argument.String("text").pipe(Argument.withDescription("what to send, as a text of JSON")),
  ...Options.flagsOf(Options.clientKeys),
  timeout: acknowledgement,
  json: Options.json.pipe(Flag.withDescription("print one JSON object"))
}
const clientFlags = {
  ...Options.flagsOf(Options.clientKeys),
  timeout: everyAcknowledgement,
  json: Options.json.pipe(Flag.withDescription("standard output becomes the stream of events, one JSON object a line"))
}

const commandFlags = {
  ...Options.flagsOf(Options.askingKeys),
  timeout: Options.timeout("how long to wait for the answer of the server", Duration.seconds(5)),
  json: Options.json.pipe(Flag.withDescription("print one JSON object"))
}
const leadFlags = { at: Options.at, election: Options.election, ...commandFlags }

/** Commands one server. The rest of the flags are settings. */
const order = (
  { json, timeout, ...flags }: Given.Given & { readonly json: boolean; readonly timeout: Duration.Duration },
  order: Order.Order
) =>
  onLan(
    "this command",
    Effect.gen(function*() {
      const settings = yield* Given.resolve(flags)
      const { command } = yield* Effect.promise(() => import("./command.ts"))
      return yield* command(settings, order, { json, timeout })
    })
  )

const orders = [
  Command.make("resign", leadFlags, ({ at, election, ...flags }) => order(flags, { what: "Resign", at, election }))
    .pipe(
      Command.withDescription("Have a server give the lead up to the next")
    ),
  Command.make(
    "step-down",
    { for: Options.forTime, ...leadFlags },
    ({ at, election, for: time, ...flags }) =>
      order(flags, { what: "StepDown", at, election, millis: Math.ceil(Duration.toMillis(time)) })
  ).pipe(Command.withDescription("Have a server not lead for a time, whether or not somebody else does")),
  Command.make(
    "transfer",
    { to: Options.to, ...leadFlags },
    ({ at, election, to, ...flags }) =>
      order(flags, { what: "Transfer", at, election, member: { as: "--to", called: to } })
  ).pipe(Command.withDescription("Have a server hand the lead to another")),
  Command.make(
    "evict",
    {
      member: Argument.String("member").pipe(
        Argument.withDescription("who is dead: the name, the id or its beginning, or the address")
      ),
      ...commandFlags
    },
    ({ member, ...flags }) =>
      order(flags, { what: "Evict", at: null, election: "", member: { as: "the member", called: member } })
  ).pipe(
    Command.withDescription(
      "Remove a member that is dead before its time-out: it is asked first, and stays if it answers"
    )
  )
] as const

const doctorFlags = {
  backend: Options.backend,
  etcd: Options.etcdFlagsOf(Options.etcdAskingKeys),
  ...Options.flagsOf(Options.examinedKeys),
  timeout: Options.listen,
  watch: Options.watch,
  json: Options.json.pipe(Flag.withDescription("print the report as one JSON object; with --watch one a line"))
}

const runServe = ({ backend, etcd, json, "log-format": logFormat, ...flags }: ServeFlags) =>
  Serving.serving({ flags, backend, etcd, json, logFormat: Option.getOrNull(logFormat) })

interface OfBackend {
  readonly backend: Option.Option<Backend.Backend>
  readonly etcd: EtcdFlags.Flags
}

interface ServeFlags extends Given.Given, OfBackend {
  readonly json: boolean
  readonly "log-format": Option.Option<Log.Format>
}

interface AskFlags extends Given.Given, OfBackend {
  readonly json: boolean
  readonly "this-host": boolean
  readonly timeout: Duration.Duration
}

/** Asks a group, by its backend. */
const ask = (what: "members" | "leader") =>
  Effect.fnUntraced(function*({ backend, etcd, json, "this-host": thisHost, timeout, ...flags }: AskFlags) {
    if ((yield* Backend.choose(backend, etcd)) === "etcd") {
      const asking = yield* Effect.promise(() => import("./etcd/asking.ts"))
      return yield* asking[what]({ flags, etcd, json, timeout, thisHost })
    }
    const settings = yield* Given.resolve(flags)
    const options = { json, thisHost, timeout }
    return yield* what === "members"
      ? Effect.flatMap(Effect.promise(() => import("./members.ts")), ({ members }) => members(settings, options))
      : Effect.flatMap(Effect.promise(() => import("./leader.ts")), ({ leader }) => leader(settings, options))
  })

/** Of the servers of a LAN alone: where another backend keeps the group, what to do instead. */
const onLan = <A, E, R>(command: string, run: Effect.Effect<A, E, R>, instead: string = overHttp) =>
  Effect.andThen(Backend.refuseElsewhere(command, instead), run)

const noMessages = "a registry carries no messages"

const overHttp = "ask a server's HTTP API (the setting http)"

const simulateFlags = {
  ...Options.flagsOf(Options.simulatedKeys),
  ...Options.runFlags,
  "until-failure": Flag.Boolean("until-failure").pipe(
    Flag.withoutNegation,
    Flag.withDefault(false),
    Flag.withDescription("run seed after seed until a promise is broken; with --runs so many at most")
  ),
  json: Options.json.pipe(Flag.withDescription("print one JSON object"))
}

const root = Command.make("bellwether", serveFlags, runServe).pipe(
  Command.withDescription(
    "Servers on a LAN find each other, watch each other and agree on one leader. Without a command: serve."
  ),
  Command.withSubcommands([
    Command.make("serve", serveFlags, runServe).pipe(Command.withDescription("Join the group and stay until stopped")),
    Command.make("members", askFlags, ask("members")).pipe(
      Command.withDescription("Ask a group who is in it, without joining")
    ),
    Command.make("leader", askFlags, ask("leader")).pipe(
      Command.withDescription("Ask a group who leads it, without joining")
    ),
    Command.make("watch", watchFlags, ({ url, ...flags }) =>
      Effect.gen(function*() {
        if (Option.isNone(url)) yield* Backend.refuseElsewhere("watch", "or --url with the address of a server's page")
        const { settings, token } = yield* Given.resolveToWatch(flags)
        const { watch } = yield* Effect.promise(() => import("./watch.ts"))
        return yield* watch({ settings, token, url: Option.getOrUndefined(url) })
      })).pipe(Command.withDescription("Show a group live, and take no part in it")),
    Command.make(
      "simulate",
      simulateFlags,
      ({ faults, json, minutes, runs, seed, servers, "until-failure": untilFailure, voters, ...flags }) =>
        Effect.gen(function*() {
          // All servers of the run that vote make up the group.
          const isLease = Option.contains(flags.leadership, "lease") && Option.isNone(flags.groupSize)
          const groupSize = isLease ? Option.orElseSome(voters, () => servers) : flags.groupSize
          const settings = yield* Given.resolve({ ...flags, groupSize })
          const { simulate } = yield* Effect.promise(() => import("./simulate.ts"))
          const run = {
            faults,
            json,
            minutes,
            runs,
            seed,
            servers,
            untilFailure,
            voters: Option.getOrUndefined(voters)
          }
          return yield* simulate(settings, run)
        })
    ).pipe(Command.withDescription("Try the protocol on a simulated network, with faults drawn from a seed")),
    Command.make("demo", {}, () =>
      Effect.gen(function*() {
        const { demo } = yield* Effect.promise(() => import("./demo.ts"))
        return yield* demo
      })).pipe(
        Command.withDescription(
          "Start five servers on this host, and see what follows when they are killed, frozen or cut off"
        )
      ),
    Command.make("doctor", doctorFlags, ({ backend, etcd, json, timeout, watch, ...flags }) =>
      Effect.gen(function*() {
        if ((yield* Backend.choose(backend, etcd)) === "etcd") {
          const { doctor } = yield* Effect.promise(() => import("./etcd/doctor.ts"))
          return yield* doctor({ flags, etcd, json, timeout, watch })
        }
        const settings = yield* Given.resolve(flags)
        const { doctor } = yield* Effect.promise(() => import("./doctor.ts"))
        return yield* doctor(settings, { json, timeout, watch })
      })).pipe(Command.withDescription("Explain why servers do not find each other, and what to do about it")),
    Command.make("client", clientFlags, ({ json, timeout, ...flags }) =>
      onLan(
        "client",
        Effect.gen(function*() {
          const settings = yield* Given.resolve(flags)
          const { client } = yield* Effect.promise(() => import("./client.ts"))
          return yield* client(settings, { json, timeout })
        }),
        noMessages
      )).pipe(
        Command.withDescription(
          "Join as a client: send each line of standard input to everybody, and show what all clients send"
        )
      ),
    Command.make("send", sendFlags, ({ json, text, timeout, ...flags }) =>
      onLan(
        "send",
        Effect.gen(function*() {
          const settings = yield* Given.resolve(flags)
          const { send } = yield* Effect.promise(() => import("./send.ts"))
          return yield* send(text, settings, { json, timeout })
        }),
        noMessages
      )).pipe(Command.withDescription("Send one message to everybody, and wait until it is acknowledged")),
    ...orders
  ])
)

/** Runs the command that the command line calls for. */
export const run = (words: ReadonlyArray<string>) =>
  Command.runWith(root, { version })(words).pipe(
    Effect.provide(NodeServices.layer),
    Effect.provideService(
      CliConfig.CliConfig,
      CliConfig.make({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel] })
    ),
    Effect.provideService(CliOutput.Presenter, Refusal.presenter(Options.allowed))
  )
