/**
 * Which members own a key, by rendezvous hashing over the view: the same on every server that has the same view.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Rendezvous from "../protocol/membership/Rendezvous.ts"
import * as Member from "../protocol/model/Member.ts"
import type * as Step from "../protocol/Step.ts"

/**
 * Who may own keys: all members unless `where` says otherwise, each as much as the others unless `weight` names a tag. A member
 * with twice the number in that tag owns twice as many keys; one without the tag counts 1, and one whose tag is 0, below 0 or no
 * number owns none.
 *
 * All servers must ask with the same options: only then do they agree.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnerOptions {
  readonly where?: ((member: Member.Member) => boolean) | undefined
  readonly weight?: string | undefined
}

/**
 * The same for several owners of each key: `count` of them, 1 unless set, the first one first.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnersOptions extends OwnerOptions {
  readonly count?: number | undefined
}

/**
 * A key whose owners are others now. A restarted owner is another one: what it held of the key is gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface Moved {
  readonly key: string
  readonly before: ReadonlyArray<Member.Member>
  readonly after: ReadonlyArray<Member.Member>
}

/**
 * What `Group` says of keys.
 *
 * It goes by the view of this server. Two servers whose views differ for a moment may name different owners, so work that must
 * not be done twice needs a leader or a lease besides. In its discovery window a server sees itself alone.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnersShape {
  /** The owner of a key; none where nobody may own it. */
  readonly owner: (key: string, options?: OwnerOptions) => Effect.Effect<Option.Option<Member.Member>>
  /** The owners of a key, the first one first; fewer than asked for where there are not so many. */
  readonly owners: (key: string, options?: OwnersOptions) => Effect.Effect<ReadonlyArray<Member.Member>>
  /** Whether this server is among the owners of a key: a filter for keys. */
  readonly isOwner: (key: string, options?: OwnersOptions) => Effect.Effect<boolean>
  /**
   * Which of these keys have moved: at first all of them, from nobody to their owners of now, then with each change of the view
   * those that moved by it. A slow reader skips views between, never a move. Ends with the server.
   */
  readonly moved: (keys: Iterable<string>, options?: OwnersOptions) => Stream.Stream<ReadonlyArray<Moved>>
}

/**
 * The same over the views of a server.
 *
 * @internal
 */
export const make = (view: Effect.Effect<Step.View>, changes: Stream.Stream<Step.View>): OwnersShape => {
  const owners: OwnersShape["owners"] = (key, options = {}) => Effect.map(view, (of) => ownersIn(of, key, options))
  return {
    owners,
    owner: (key, options = {}) =>
      Effect.map(owners(key, { ...options, count: 1 }), ([first]) => Option.fromNullishOr(first)),
    isOwner: (key, options = {}) =>
      Effect.map(view, (of) => ownersIn(of, key, options).some(({ id }) => id === of.self.id)),
    moved: (keys, options = {}) =>
      Stream.suspend(() => {
        let before = new Map(Array.from(keys, (key): [string, ReadonlyArray<Member.Member>] => [key, []]))
        return changes.pipe(
          Stream.mapEffect(Effect.fnUntraced(function*(of: Step.View) {
            const after = yield* ownersOfAll(of, [...before.keys()], options)
            const moved = movedBetween(before, after)
            before = after
            return moved
          })),
          Stream.filter((moved) => moved.length > 0)
        )
      })
  }
}

const ownersIn = ({ members }: Step.View, key: string, { count = 1, weight, where }: OwnersOptions) =>
  Rendezvous.owners(key, where === undefined ? members : members.filter(where), {
    count,
    ...weight === undefined ? {} : { weight: weightBy(weight) }
  })

const weightBy = (tag: string) => ({ tags }: Member.Member): number => {
  const text = tags[tag]
  return text === undefined ? 1 : text.trim() === "" ? Number.NaN : Number(text)
}

/** How many keys are looked at in one go: about a millisecond in a group of twenty. */
const inOneGo = 100

const ownersOfAll = Effect.fnUntraced(function*(of: Step.View, keys: ReadonlyArray<string>, options: OwnersOptions) {
  const all = new Map<string, ReadonlyArray<Member.Member>>()
  for (const [at, key] of keys.entries()) {
    if (at % inOneGo === inOneGo - 1) yield* Effect.yieldNow
    all.set(key, ownersIn(of, key, options))
  }
  return all
})

const movedBetween = (
  before: ReadonlyMap<string, ReadonlyArray<Member.Member>>,
  after: ReadonlyMap<string, ReadonlyArray<Member.Member>>
): ReadonlyArray<Moved> =>
  [...after].flatMap(([key, owners]) => {
    const were = before.get(key)!
    const areSame = were.length === owners.length && were.every((one, at) => Member.isSameStart(one, owners[at]!))
    return areSame ? [] : [{ key, before: were, after: owners }]
  })
