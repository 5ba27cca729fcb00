/**
 * What a write into etcd itself has to be conditional on, for only the leader to make it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as RegistryKeys from "../registry/RegistryKeys.ts"
import * as RegistryValues from "../registry/RegistryValues.ts"
import { NotLeading, Reign } from "../server/OwnReign.ts"
import * as Answers from "./Answers.ts"
import * as EtcdRefused from "./EtcdRefused.ts"
import type * as Gateway from "./Gateway.ts"

/**
 * A condition of a transaction: that the key was made at that revision (`create_revision`, compared by `EQUAL`). It is the leader's
 * own key, which is gone for good when the reign is over, whatever the clocks say.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fence {
  readonly key: string
  readonly createRevision: string
}

/**
 * Gives the fences of this server's own reigns. All layers of etcd provide it.
 *
 * @category services
 * @since 0.1.0
 */
export class Fences extends Context.Service<Fences, {
  /** The fence of the reign in an election; the group's own has no name. It asks etcd each time. */
  readonly of: (election: string) => Effect.Effect<Fence, NotLeading | EtcdRefused.EtcdRefused, Reign>
}>()("bellwether/etcd/Etcd/Fences") {}

/**
 * Makes them for the keys of one group.
 *
 * @internal
 */
export const make = (gateway: Gateway.Gateway, prefix: string): Fences["Service"] => ({
  of: Effect.fnUntraced(function*(election) {
    const reign = yield* Reign
    const key = prefix + RegistryKeys.leader(election)
    const { kvs: [found] = [] } = yield* Effect.mapError(
      gateway.ask("/v3/kv/range", { key: Answers.encoded(key) }, Answers.Range),
      EtcdRefused.of
    )
    const lead = found === undefined ? null : RegistryValues.read("Leader", Answers.decoded(found.value))
    const isOurs = lead !== null && lead.term === reign.term && lead.leader.id === reign.leader.id
    const createRevision = found?.create_revision
    return isOurs && createRevision !== undefined
      ? { key, createRevision }
      : yield* new NotLeading({ term: reign.term })
  })
})
