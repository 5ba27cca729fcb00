/**
 * A session that holds resources for somebody who asks when it wants: what it was told that it has is its own until it lets it go,
 * or until its time is over by the clock.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as Holds from "../server/Holds.ts"
import type * as Sessions from "../server/Sessions.ts"

/** What was asked for and is held now, with its tokens; for how many ms more nothing is granted; whether the leader answered. */
export interface Acquired {
  readonly tokens: ReadonlyMap<number, string>
  readonly again: number
  readonly isAnswered: boolean
}

/** The claims of one space. */
export interface Claims {
  /** Takes those of these that are free, in so much time. What was lost is taken anew: nothing may be done with it any more. */
  readonly acquire: (resources: ReadonlyArray<number>, within: Duration.Duration) => Effect.Effect<Acquired>
  /** Whether the leader answers in that time to what is asked now. */
  readonly confirm: (within: Duration.Duration) => Effect.Effect<boolean>
  /** For how long what was acquired is held by the clock, in ms, if it is not renewed; 0 of what is lost, null of what was let go. */
  readonly left: Effect.Effect<(resource: number) => number | null>
  /** The token of what was acquired, while it lasts by the clock: also in the time that is left to end what is done with it. */
  readonly token: (resource: number) => Effect.Effect<string | null>
  /** Lets go of what was acquired; nothing happens where it was not. */
  readonly release: (resource: number) => Effect.Effect<void>
  /** Lets go of all. */
  readonly releaseAll: Effect.Effect<void>
}

/** Begins a session, which ends with the scope: by then nothing is done any more with what it holds. */
export const make = Effect.fnUntraced(function*(
  sessions: Sessions.SessionsShape,
  space: { readonly space: string; readonly count: number; readonly expiry: number }
): Effect.fn.Return<Claims, never, Scope.Scope> {
  const begin = sessions.hold({ ...space, wanted: [], weight: 1 })
  const hold = yield* Effect.acquireRelease(begin, ({ end }) => end(true))
  yield* Effect.forkScoped(tell(hold, space.space))
  const acquired = new Map<number, string>()
  let wanted: ReadonlyArray<number> = []
  const ask = (within: Duration.Duration) =>
    Effect.timeoutOption(Effect.suspend(() => hold.ask({ wanted, weight: 1 })), within)

  const { release, tellEnded } = releasing(hold, acquired)

  /** Wants nothing any more, and keeps nothing that nobody was told of. */
  const settle = Effect.gen(function*() {
    wanted = []
    yield* hold.want({ wanted, weight: 1 })
    const untold = [...yield* hold.current].filter(([resource, { token }]) => acquired.get(resource) !== token)
    yield* hold.release(new Map(untold.map(([resource, { token }]) => [resource, token])))
  })
  const take = Effect.fnUntraced(function*(resources: ReadonlyArray<number>, within: Duration.Duration) {
    yield* tellEnded
    const before = yield* hold.current
    // Who asks for it does nothing with it: it was told of a loss, or not of the grant.
    for (const resource of resources) {
      if (acquired.has(resource) && before.get(resource)?.token !== acquired.get(resource)) yield* release(resource)
    }
    wanted = resources.filter((resource) => !acquired.has(resource))
    const answer = wanted.length === 0 ? Option.some({ again: 0 }) : yield* ask(within)
    const current = yield* hold.current
    for (const resource of wanted) {
      const one = current.get(resource)
      if (one !== undefined) acquired.set(resource, one.token)
    }
    return {
      tokens: heldOf(resources, acquired, current),
      again: Option.match(answer, { onNone: () => 0, onSome: (answered) => answered?.again ?? 0 }),
      isAnswered: Option.isSome(answer) && answer.value !== null
    }
  })
  return {
    acquire: (resources, within) => Effect.ensuring(take(resources, within), settle),
    confirm: (within) => Effect.map(ask(within), (answer) => Option.isSome(answer) && answer.value !== null),
    left: Effect.map(hold.current, (current) => (resource) => leftOf(acquired.get(resource), current.get(resource))),
    token: (resource) =>
      Effect.map(hold.token(resource), (token) => token !== null && acquired.get(resource) === token ? token : null),
    release,
    releaseAll: Effect.suspend(() =>
      Effect.forEach([...acquired.keys()], release, { concurrency: "unbounded", discard: true })
    )
  }
})

/** Lets go of what was acquired. */
const releasing = (hold: Holds.Hold, acquired: Map<number, string>) => {
  const ended = new Map<number, string>()
  const tellEnded = Effect.suspend(() => {
    const tokens = new Map(ended)
    ended.clear()
    return tokens.size === 0 ? Effect.void : hold.release(tokens)
  })
  const release = (resource: number) =>
    Effect.suspend(() => {
      const token = acquired.get(resource)
      if (token === undefined) return Effect.void
      acquired.delete(resource)
      ended.set(resource, token)
      // Of many shards that are let go at one time, one ask tells the leader.
      return Effect.uninterruptible(Effect.andThen(Effect.yieldNow, tellEnded))
    })
  return { release, tellEnded }
}

/** The tokens of these resources that were acquired and are held. */
const heldOf = (
  resources: ReadonlyArray<number>,
  acquired: ReadonlyMap<number, string>,
  current: Current
): ReadonlyMap<number, string> =>
  new Map(resources.flatMap((resource): Array<[number, string]> => {
    const token = acquired.get(resource)
    return token !== undefined && current.get(resource)?.token === token ? [[resource, token]] : []
  }))

const leftOf = (token: string | undefined, one: { readonly token: string; readonly left: number } | undefined) => {
  if (token === undefined) return null
  return one?.token === token ? one.left : 0
}

type Current = Effect.Success<Holds.Hold["current"]>

const explanation = {
  Differs: "other runners have another shardLockExpiration or shardsPerGroup: these must be the same on all",
  Full: "the group holds as much as it may",
  Left: "this server has left the group"
} as const

/** Tells in the log, once a minute, why nothing can be held. */
const tell = (hold: Holds.Hold, space: string): Effect.Effect<never> => {
  let toldAt = -Infinity
  return Queue.take(hold.events).pipe(
    Effect.flatMap((event) =>
      event._tag !== "HoldRefused" ? Effect.void : Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - toldAt < 60_000) return Effect.void
        toldAt = now
        return Effect.logWarning(`Bellwether's cluster holds no ${space}: ${explanation[event.why]}`)
      })
    ),
    Effect.forever
  )
}
