/**
 * Moving a group from one backend to another while it runs: from a LAN to etcd or to a database, between those, or back.
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { Leadership } from "bellwether"
 * import * as Moving from "bellwether/Moving"
 * import * as NodeEtcd from "bellwether/NodeEtcd"
 * import * as NodeServer from "bellwether/NodeServer"
 *
 * const both = Moving.layer(
 *   NodeServer.layer({ group: "orders", leadership: "lease", groupSize: 3 }),
 *   NodeEtcd.layer({ group: "orders", endpoints: ["http://10.0.0.1:2379"] })
 * )
 *
 * export const main = Leadership.Leadership.use((leadership) => leadership.whileLeader(Effect.log("we lead"))).pipe(
 *   Effect.provide(both)
 * )
 * ```
 *
 * A server with both leads only while it holds the lead in both. So two rolling restarts move a group: with the first every server gets
 * both, with the second only the new one. Any two servers that may lead at a time share a backend, and the tokens of all reigns rise.
 * `docs/backends.md` has the procedure.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Supervisor from "../engine/Supervisor.ts"
import * as Group from "../server/Group.ts"
import * as Leadership from "../server/Leadership.ts"
import * as Leaderships from "../server/Leaderships.ts"
import * as Pairing from "../server/Pairing.ts"
import { SettingRefused } from "../settings/SettingRefused.ts"
import * as BothBackend from "./BothBackend.ts"
import * as BothGroup from "./BothGroup.ts"
import * as JoinedEvents from "./JoinedEvents.ts"

/**
 * The services of a server with two backends.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Group.Group | Leadership.Leadership

/**
 * One server with two backends, of which the second is a registry: `Etcd.layer`, `Sql.layer`. It leads only while it leads in both.
 *
 * - Its `Group` shows the members of both. What is counted and measured is the first one's, and so are its name, priority and tags.
 * - Its reigns have the term of the first, which is above all that were led in the second: if not, the first elects anew.
 * - Where it does not reach the second it leads nothing; then it lets others lead the first, for one `leaseDuration` at a time.
 * - Other services of the two, such as `Fences` or `Inbox`, are those of the one that has them.
 *
 * Both have the same `stopTimeout`. Fails with `SettingRefused` where the second is not a registry, or one of them no server.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <A, E, R, A2, E2, R2>(
  first: Layer.Layer<A | Services, E, R>,
  second: Layer.Layer<A2 | Services, E2, R2>
): Layer.Layer<A | A2 | Services, E | E2 | SettingRefused, R | R2> =>
  Layer.effectContext(Effect.gen(function*() {
    const one = yield* build(first, "first", (take) => ({ _tag: "First", take }))
    const other = yield* build(second, "second", (take) => ({ _tag: "Second", first: one.part, take }))
    const { enclosed } = other.part
    if (enclosed === null) return yield* refused("second", "a group on a LAN", "a registry, such as etcd")
    const { group, leadership } = yield* join({ first: one.part, second: { ...other.part, enclosed } })
    return Context.merge(one.services, other.services).pipe(
      Context.add(Group.Group, group),
      Context.add(Leadership.Leadership, leadership)
    )
  }))

// internal

const refused = (setting: string, was: string, allowed: string) =>
  Effect.fail(new SettingRefused({ setting, as: setting, was, allowed }))

/** Builds a layer of a server, and takes what that is made of. */
const build = Effect.fnUntraced(function*<A, E, R>(
  layer: Layer.Layer<A, E, R>,
  as: string,
  role: (take: Pairing.Role["take"]) => Pairing.Role
): Effect.fn.Return<
  { readonly services: Context.Context<A>; readonly part: Pairing.Part },
  E | SettingRefused,
  R | Scope.Scope
> {
  const parts: Array<Pairing.Part> = []
  const services = yield* Layer.build(
    Layer.provide(Layer.fresh(layer), Layer.succeed(Pairing.Pairing, role((part) => parts.push(part))))
  )
  const [part] = parts
  return part === undefined
    ? yield* refused(as, "a layer without a server", "a layer of a server of Bellwether")
    : { services, part }
})

const join = Effect.fnUntraced(function*(pair: BothBackend.Pair) {
  const supervisor = yield* Supervisor.make((fiber, cause, deaths) =>
    events.tell({ event: "FiberDied", fiber, cause, deaths })
  )
  const events: JoinedEvents.Running = yield* JoinedEvents.make(pair.first, pair.second)
  const { backend, run } = yield* BothBackend.make(pair, events)
  yield* events.run(supervisor)
  yield* run(supervisor)
  const [one, other] = [pair.first.group, pair.second.group]
  return {
    leadership: Leaderships.make(backend, pair.first.works),
    group: BothGroup.make(pair, backend, {
      failed: Effect.raceFirst(Effect.raceFirst(one.failed, other.failed), supervisor.failed),
      fail: (what, cause) => Effect.andThen(one.fail(what, cause), other.fail(what, cause))
    })
  }
})
