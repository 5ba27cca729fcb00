/** A server whose group a registry keeps: what each of the registries makes its layer of. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Closing from "../engine/Closing.ts"
import * as Counters from "../engine/Counters.ts"
import type { GroupFailed } from "../engine/GroupFailed.ts"
import * as Supervisor from "../engine/Supervisor.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Group from "../server/Group.ts"
import type * as Leadership from "../server/Leadership.ts"
import * as Leaderships from "../server/Leaderships.ts"
import * as LeadingWork from "../server/LeadingWork.ts"
import * as Pairing from "../server/Pairing.ts"
import type { SettingRefused } from "../settings/SettingRefused.ts"
import * as Settings from "../settings/Settings.ts"
import * as RandomHex from "./RandomHex.ts"
import type { Registry } from "./Registry.ts"
import * as RegistryBackend from "./RegistryBackend.ts"
import * as RegistryEngine from "./RegistryEngine.ts"
import * as RegistryGroup from "./RegistryGroup.ts"
import * as RegistryOptions from "./RegistryOptions.ts"
import * as RegistryPart from "./RegistryPart.ts"
import type * as RegistryState from "./RegistryState.ts"
import * as RegistryStep from "./RegistryStep.ts"

/** What such a server is to its app. What a registry cannot do is not there: an app that needs an `Inbox` does not compile. */
export interface RegistryServer {
  readonly group: Group.GroupShape
  readonly leadership: Leadership.LeadershipShape
  /** The greatest term that is known from elsewhere, such as of the engine that the group had before: terms go on above it. */
  readonly heard: (term: number) => Effect.Effect<void>
}

/** How a registry lends itself: for how long its sessions last, and which other options its callers may give. */
export interface Terms {
  /** What the registry is called, such as `etcd`. */
  readonly name: string
  readonly leaseDuration: Duration.Duration
  /**
   * So much later than another may a server see a change, as where it asks for changes from time to time: a lower ranked candidate
   * lets the higher ranked one go first for as long as that, if it is more than `electionStagger`.
   */
  readonly lag?: Duration.Duration | undefined
  readonly others?: ReadonlyArray<string> | undefined
}

const selfOf = Effect.fnUntraced(function*({ advertise, hostname: host, settings }: RegistryOptions.Read) {
  const { limits } = Member
  const hostname = Member.shortened(host, limits.hostname)
  const { ip, port } = advertise ?? Member.nowhere
  const member: Member.Member = {
    // Servers that do not say where they are would else have one id on each host.
    id: Member.nodeId(advertise === null ? yield* RandomHex.make(32) : ip, hostname, port),
    ip,
    port,
    hostname,
    name: settings.name ?? Member.shortened(host, limits.name),
    priority: settings.priority,
    incarnation: Math.max(0, Math.floor(yield* Clock.currentTimeMillis)),
    revision: 0,
    tags: settings.tags
  }
  return member
})

const timingOf = (settings: Settings.Settings, lag: Duration.Duration): RegistryState.Timing => {
  const { coordinatorTimeout, memberTimeout, stableAfter, stopTimeout, ...timing } = Settings.timing(settings)
  const electionStagger = Math.max(timing.electionStagger, Duration.toMillis(lag))
  const { clockDrift: drift, maxMembers, preempt } = settings
  return { stopTimeout, drift, preempt, stableAfter, electionStagger, coordinatorTimeout, memberTimeout, maxMembers }
}

/**
 * Starts a server. It never waits for the registry: one that is away is tried until it is there. When the scope closes its leading
 * work ends, then its session: that takes `stopTimeout` and a second at most.
 */
export const make = Effect.fn("RegistryServer.start")(function*(
  options: RegistryOptions.Options,
  registry: Registry,
  { lag = Duration.zero, leaseDuration, name, others }: Terms
): Effect.fn.Return<RegistryServer, SettingRefused, Scope.Scope> {
  const read = yield* RegistryOptions.read(options, leaseDuration, others)
  const { settings } = read
  const role = yield* Pairing.Pairing
  const around = role?._tag === "Second" ? role.first : null
  const self = around === null ? yield* selfOf(read) : yield* RegistryPart.sameAs(around, settings)
  const whose = { group: settings.group, node: self.id }
  yield* Effect.annotateCurrentSpan(whose)
  return yield* Effect.annotateLogs(
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const works = around === null ? LeadingWork.makeAll(settings.stopTimeout) : around.works
      const counters = Counters.make(self.id)
      const supervisor = yield* Supervisor.make((fiber, cause, deaths) =>
        Effect.suspend(() => backend.tell({ event: "FiberDied", fiber, cause, deaths }))
      )
      const engine = yield* RegistryEngine.make({
        registry,
        initial: RegistryStep.make({
          timing: timingOf(settings, lag),
          self,
          monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
          isEnclosed: around !== null
        }),
        leaseDuration,
        eventHistory: settings.eventHistory,
        counters,
        works,
        supervisor
      })
      const backend = RegistryBackend.make(engine, whose)
      yield* engine.step({ _tag: "Start" })
      yield* RegistryEngine.watch(registry, engine, supervisor)
      const { failed } = yield* runUntilLeft(settings, engine, supervisor)
      const group = RegistryGroup.make({ name, settings, backend, engine, counters, supervisor, failed })
      const heard = (term: number) => engine.step({ _tag: "Heard", term })
      role?.take({
        backend,
        group,
        works,
        heard: (_, term) => heard(term),
        enclosed: around === null ? null : RegistryPart.enclosedIn(engine, Duration.toMillis(leaseDuration))
      })
      return { group, leadership: Leaderships.make(backend, works), heard }
    }),
    whose
  )
})

/** The server leaves when the scope closes, or when it cannot go on: then `failed` fails. */
const runUntilLeft = Effect.fnUntraced(function*(
  settings: Settings.Settings,
  engine: RegistryEngine.RegistryEngine,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<{ readonly failed: Effect.Effect<never, GroupFailed> }, never, Scope.Scope> {
  const leave = Closing.waitFor(
    Effect.andThen(engine.step({ _tag: "Leave" }), engine.farewell),
    Duration.sum(settings.stopTimeout, Closing.goodbyeWithin)
  )
  yield* Effect.addFinalizer(() => leave)
  yield* Effect.forkScoped(
    Effect.andThen(Effect.sleep(settings.discoveryWindow), Effect.sync(engine.events.forgetBeginning))
  )
  const failed = yield* Deferred.make<never, GroupFailed>()
  yield* supervisor.failed.pipe(
    Effect.catch((error) => Effect.andThen(leave, Deferred.fail(failed, error))),
    Effect.forkScoped
  )
  return { failed: Deferred.await(failed) }
})
