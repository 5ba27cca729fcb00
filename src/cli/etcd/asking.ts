/** `members` and `leader` of a group in etcd: its keys are read once. There is no session, so nobody's view changes by it. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as EtcdRegistry from "../../etcd/EtcdRegistry.ts"
import * as EtcdWatch from "../../etcd/EtcdWatch.ts"
import * as Gateway from "../../etcd/Gateway.ts"
import * as NodeEtcd from "../../NodeEtcd.ts"
import * as RegistryAnswer from "../../registry/RegistryAnswer.ts"
import * as Answer from "../../status/Answer.ts"
import type * as Given from "../given.ts"
import * as Output from "../output.ts"
import * as Terminal from "../terminal.ts"
import * as Flags from "./flags.ts"
import * as EtcdGiven from "./given.ts"

/** etcd did not answer in time, or refused to. Programs exit with 3, or with 2 where waiting changes nothing. */
export class EtcdSilent extends Schema.TaggedError<EtcdSilent>()("EtcdSilent", {
  detail: Schema.String,
  isRefused: Schema.Boolean
}) {
  override readonly [Runtime.errorExitCode] = this.isRefused ? 2 : 3
  override readonly [Runtime.errorReported] = false
  override get message() {
    return this.isRefused
      ? `etcd refuses: ${this.detail}`
      : `etcd does not answer: ${this.detail}`
  }
}

interface Asked {
  readonly flags: Given.Given
  readonly etcd: Flags.Flags
  readonly timeout: Duration.Duration
  readonly json: boolean
  readonly thisHost: boolean
}

/** Each endpoint has its part of the time, so that one that does not answer leaves some for the next. */
const read = Effect.fnUntraced(function*({ etcd: given, flags, thisHost, timeout }: Asked) {
  if (thisHost) {
    return yield* Flags.refuseInEtcd("thisHost", "--this-host", "with the backend lan: etcd answers for all hosts")
  }
  const { asGiven, etcd, options, settings } = yield* EtcdGiven.resolve(flags, given)
  const where = EtcdGiven.where(etcd)
  const ask = Effect.gen(function*() {
    const limit = Duration.toMillis(timeout) / etcd.endpoints.length
    const gateway = yield* Gateway.make({ ...etcd, limit })
    const picture = EtcdWatch.picture(gateway, EtcdRegistry.prefixOf({ prefix: etcd.prefix, group: settings.group }))
    return yield* Effect.retry(picture, {
      times: etcd.endpoints.length - 1,
      while: ({ kind }) => kind === "Unreachable"
    })
  })
  const { entries } = yield* ask.pipe(
    Effect.provide(NodeEtcd.layerClient(options.tls)),
    Effect.mapError((error) =>
      error._tag === "SettingRefused"
        ? asGiven(error)
        : new EtcdSilent({ detail: error.detail, isRefused: error.kind === "Refused" })
    )
  )
  return { answer: RegistryAnswer.of(entries), where, group: settings.group }
})

/** Who is in a group. */
export const members = Effect.fnUntraced(function*(asked: Asked) {
  const { answer, group, where } = yield* read(asked)
  if (asked.json) return yield* Output.line(JSON.stringify({ ...answer, answeredBy: null }))
  const style = yield* Terminal.style
  const lines = answer.members.length === 0
    ? [`nobody is in the group ${group} ${where}`]
    : Answer.members(answer, yield* Clock.currentTimeMillis, { ...style, rows: Infinity }, "heard")
  return yield* Output.line(lines.join("\n"))
})

/** Who leads a group. */
export const leader = Effect.fnUntraced(function*(asked: Asked) {
  const { answer: { leader, members, term } } = yield* read(asked)
  const line = members.find(({ id }) => id === leader?.id)
  if (asked.json) return yield* Output.line(JSON.stringify({ leader: line ?? leader, term, answeredBy: null }))
  const lines = Answer.leads({ leader, line, term }, yield* Clock.currentTimeMillis, yield* Terminal.style, "heard")
  return yield* Output.line(lines.join("\n"))
})
