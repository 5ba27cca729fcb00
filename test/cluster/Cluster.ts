/**
 * The real `Sharding` on each server of a simulated group, with entities that work all the time: what each does is checked in true
 * time, as nobody in the group can.
 */
import * as Entity from "effect/cluster/Entity"
import * as EntityId from "effect/cluster/EntityId"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as ClusterRunners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Cluster from "../../src/Cluster.ts"
import * as Server from "../../src/server/Server.ts"
import * as SimulatedGroup from "../../src/testing/SimulatedGroup.ts"
import * as Runners from "./Runners.ts"

const Worker = Entity.make("Worker", [Rpc.make("Work", { success: Schema.Void })])

export const entities = ["a", "b", "c", "d", "e", "f"]

/** A piece of work of an entity, done under a lock that lasted by the clock; and whether a store took it. */
export interface Done {
  readonly at: number
  readonly index: number
  readonly entity: string
  readonly token: string
  readonly isTaken: boolean
}

/** Who ran an entity from when to when, in ms of true time; `to` is Infinity while it runs. */
export interface Run {
  readonly index: number
  readonly entity: string
  readonly from: number
  to: number
}

/** A time in which a runner was frozen, or dead for good. */
interface Out {
  readonly index: number
  readonly from: number
  to: number
}

/** What all entities did. */
export interface Record {
  readonly done: Array<Done>
  readonly runs: Array<Run>
  readonly outs: Array<Out>
}

/** A store for each entity, that refuses a lower token than it has seen. */
const storeOf = (record: Record) => {
  const highest = new Map<string, string>()
  return (at: number, index: number, entity: string, token: string): void => {
    const before = highest.get(entity) ?? ""
    const isTaken = token >= before
    if (isTaken) highest.set(entity, token)
    record.done.push({ at, index, entity, token, isTaken })
  }
}

/** What happens to runners, and is remembered. */
const verbs = (group: SimulatedGroup.SimulatedGroup, record: Record) => {
  const out = (index: number) => Effect.map(group.now, (from) => record.outs.push({ index, from, to: Infinity }))
  const back = (index: number) =>
    Effect.map(group.now, (to) => {
      for (const out of record.outs) if (out.index === index && out.to === Infinity) out.to = to
    })
  const buried = (index: number) =>
    Effect.map(group.now, (at) => {
      for (const run of record.runs) if (run.index === index && run.to === Infinity) run.to = at
    })
  return {
    start: (index: number) => Effect.andThen(back(index), group.start(index)),
    kill: (index: number) => Effect.andThen(group.kill(index), buried(index)),
    pause: (index: number) => Effect.andThen(group.pause(index), out(index)),
    resume: (index: number) => Effect.andThen(back(index), group.resume(index, "sleepers")),
    /** How many ms until all entities run there. */
    untilAllRun: (among: ReadonlyArray<number>) =>
      group.until("all entities run", Effect.sync(() => allRun(record, among)), { within: "1 minute" })
  }
}

type Storage = RunnerStorage.RunnerStorage["Service"]

/** Does something else than a storage does. */
export type Alter = (storage: Storage) => Storage

const beat = 20

/** Three runners, and what their entities do. */
export const make = Effect.fnUntraced(function*(options: {
  readonly seed: string
  /** What the storage does instead. */
  readonly alter?: Alter
}) {
  const record: Record = { done: [], runs: [], outs: [] }
  const store = storeOf(record)
  let group: SimulatedGroup.SimulatedGroup | undefined = undefined
  const now = Effect.suspend(() => group!.now)
  // A group is buried with no time passing: nothing may wait for handlers then.
  const over = yield* Deferred.make<void>()
  const altered = Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, options.alter ?? ((storage) => storage))
  )
  /** A handler that works until it is interrupted: what a storage that leaves lost locks out lets go on. */
  const work = Effect.fnUntraced(function*(index: number) {
    const { entityId } = yield* Entity.CurrentAddress
    const run: Run = { index, entity: entityId, from: yield* now, to: Infinity }
    record.runs.push(run)
    return yield* Effect.gen(function*() {
      const at = yield* now
      const token = yield* Effect.option(Cluster.ShardLocks.token)
      if (token._tag === "Some") store(at, index, entityId, token.value)
      yield* Effect.sleep(beat)
    }).pipe(
      Effect.forever,
      Effect.raceFirst(Deferred.await(over)),
      Effect.ensuring(Effect.map(now, (at) => run.to = Math.min(run.to, at)))
    )
  })
  const worker = (index: number) =>
    Worker.toLayer(
      Effect.gen(function*() {
        const context = yield* Effect.context<Entity.CurrentAddress | Cluster.ShardLocks>()
        return { Work: () => Effect.provideContext(work(index), context) }
      }),
      { maxIdleTime: "1 day" }
    )
  const poke = Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    const client = yield* Worker.client
    const open = new Set<string>()
    const call = (entity: string) =>
      Effect.ensuring(Effect.ignoreCause(client(EntityId.make(entity)).Work()), Effect.sync(() => open.delete(entity)))
    return yield* Effect.suspend(() =>
      Effect.forEach(entities, (entity) => {
        // A call whose entity has moved is answered by nobody here.
        if (!sharding.hasShardId(sharding.getShardId(EntityId.make(entity), "default"))) open.delete(entity)
        else if (!open.has(entity)) {
          open.add(entity)
          return Effect.forkChild(call(entity))
        }
        return Effect.void
      }, { discard: true })
    ).pipe(Effect.andThen(Effect.sleep(100)), Effect.forever, Effect.raceFirst(Deferred.await(over)))
  })
  const app = (server: Server.ServerShape, index: number) =>
    Effect.provide(
      poke,
      worker(index).pipe(
        Layer.provideMerge(Sharding.layer),
        Layer.provide(ClusterRunners.layerNoop),
        Layer.provide(MessageStorage.layerNoop),
        Layer.provide(altered),
        Layer.provideMerge(Cluster.layerStorage),
        Layer.provide(Layer.succeed(
          ShardingConfig.ShardingConfig,
          Runners.configAt(index, { shardsPerGroup: 30, entityTerminationTimeout: "2 seconds" })
        )),
        Layer.provide(Layer.succeedContext(Server.services(server)))
      )
    )
  group = yield* SimulatedGroup.make({
    servers: 3,
    seed: options.seed,
    settings: Runners.settings,
    app
  })
  yield* Effect.addFinalizer(() => Deferred.succeed(over, undefined))
  yield* group.settle({ within: "1 minute" })
  return { group, record, ...verbs(group, record) }
})

/** Whether each entity is run by one of these runners. */
export const allRun = (record: Record, among: ReadonlyArray<number>): boolean =>
  entities.every((entity) => ownersOf(record, entity).some((index) => among.includes(index)))

/** Who runs an entity as far as it knows. */
export const ownersOf = (record: Record, entity: string): ReadonlyArray<number> =>
  record.runs.filter((run) => run.entity === entity && run.to === Infinity && !isOut(record, run.index))
    .map(({ index }) => index)

const isOut = ({ outs }: Record, index: number): boolean =>
  outs.some((out) => out.index === index && out.to === Infinity)

/** So long after a freeze a handler may go on, in ms: until the next refresh has begun. */
const afterFreeze = 50

/** The parts of a run in which its runner was neither frozen nor dead. */
const alive = ({ outs }: Record, { from, index, to }: Run): ReadonlyArray<readonly [from: number, to: number]> =>
  outs.filter((out) => out.index === index).reduce<ReadonlyArray<readonly [number, number]>>(
    (parts, out) =>
      parts.flatMap(([from, to]) => {
        const before = [from, Math.min(to, out.from)] as const
        const after = [Math.max(from, out.to + afterFreeze), to] as const
        return [before, after].filter(([from, to]) => from < to)
      }),
    [[from, to]]
  )

/** The times in which two runners ran one entity, neither of them frozen. */
export const overlaps = (record: Record): ReadonlyArray<string> =>
  record.runs.flatMap((one, at) =>
    record.runs.slice(at + 1).filter(({ entity }) => entity === one.entity).flatMap((that) =>
      alive(record, one).flatMap(([from, to]) =>
        alive(record, that).flatMap((other) => {
          const begin = Math.max(from, other[0])
          const end = Math.min(to, other[1])
          return begin < end ? [`${one.entity} on ${one.index} and ${that.index} from ${begin} to ${end}`] : []
        })
      )
    )
  )
