/**
 * The keys of a group as a server has them: read from its settings before anything is opened, changed while it runs, and
 * whatever shows that others have another key, told.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as KeyRing from "../protocol/KeyRing.ts"
import { type Address, formatAddress } from "../protocol/Member.ts"
import * as Session from "../protocol/Session.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import { KeyFile } from "../transport/KeyFile.ts"
import type * as Seals from "../transport/Seals.ts"
import type * as GroupState from "./GroupState.ts"
import * as Setting from "./Setting.ts"
import * as Settings from "./Settings.ts"
import type * as Supervisor from "./Supervisor.ts"

/**
 * The settings that say which keys there are.
 *
 * @category models
 * @since 0.1.0
 */
export type KeySettings = Pick<Settings.Settings, "key" | "keyFile" | "keyMode">

/**
 * The keys in use, the way to put others in their place, and what was seen of those who have others.
 *
 * @category models
 * @since 0.1.0
 */
export interface Keys extends Seals.Keys {
  readonly use: (ring: KeyRing.KeyRing) => void
  /** Waits until there is something to tell, and takes all of it. */
  readonly strangers: Effect.Effect<ReadonlyArray<Seen>>
}

/**
 * A matter of keys: what was wrong, how often since it was last told, and where the newest such datagram came from.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seen {
  readonly problem: Seals.Stranger
  readonly from: Address
  readonly count: number
}

/**
 * Puts other keys in place of those in use.
 *
 * @category models
 * @since 0.1.0
 */
export type UseKeys = (keys: Redacted.Redacted | string) => Effect.Effect<void, Setting.SettingRefused>

const refused = (setting: "key" | "keyFile", was: string, allowed: string) =>
  new Setting.SettingRefused({ setting, as: setting, was, allowed })

/** The ring that a text names, or what is allowed in its place. */
const ringOf = (text: string, mode: KeyRing.Mode): Result.Result<KeyRing.KeyRing, string> => {
  const parsed = Option.getOrUndefined(KeyRing.parse(text))
  if (parsed === undefined) return Result.fail(Settings.settings.key.allowed)
  return parsed.active === null && mode === "enforce" ? Result.fail(Settings.plainOnlyIfPermissive) : Result.succeed({
    ...parsed,
    mode
  })
}

const fromFile = Effect.fnUntraced(function*(path: string, mode: KeyRing.Mode) {
  const { read } = yield* KeyFile
  const shown = JSON.stringify(path)
  const text = yield* Effect.mapError(
    read(path),
    ({ why }) => refused("keyFile", `${shown} (${why})`, "a file that can be read and holds the group's keys")
  )
  // What the file holds instead is not told: it may be nearly a key.
  return yield* Effect.fromResult(
    Result.mapError(ringOf(text, mode), (allowed) => refused("keyFile", shown, `a file that holds ${allowed}`))
  )
})

const fromText = (key: Redacted.Redacted, mode: KeyRing.Mode) =>
  Effect.fromResult(
    Result.mapError(ringOf(Redacted.value(key), mode), (allowed) => refused("key", Setting.notShown, allowed))
  )

/**
 * The ring that settings name; a file is read now.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ring = (
  { key, keyFile, keyMode }: KeySettings
): Effect.Effect<KeyRing.KeyRing, Setting.SettingRefused> =>
  keyFile !== undefined
    ? fromFile(keyFile, keyMode)
    : key !== undefined
    ? fromText(key, keyMode)
    : Effect.succeed(KeyRing.none)

/**
 * The keys that settings name, to be given to a `Messenger`. `memberTimeout` is how long, in ms, a member may be silent.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  settings: KeySettings & Pick<Settings.Settings, "maxSessions">,
  memberTimeout: number
): Effect.fn.Return<Keys, Setting.SettingRefused> {
  let inUse = yield* ring(settings)
  const seen = new Map<Seals.Stranger, Seen>()
  const signal = yield* Queue.sliding<void>(1)
  return {
    ring: () => inUse,
    use: (ring) => {
      inUse = ring
    },
    freshness: Session.freshness(memberTimeout),
    maxSessions: settings.maxSessions,
    onStranger: (problem, from) => {
      const count = (seen.get(problem)?.count ?? 0) + 1
      seen.set(problem, { problem, from, count })
      if (count === 1) Queue.offerUnsafe(signal, undefined)
    },
    strangers: Effect.map(Queue.take(signal), () => {
      const all = [...seen.values()]
      seen.clear()
      return all
    })
  }
})

/** The shortest time between two events about one matter of keys. */
const tellAgain = "10 seconds"
const readAgain = "2 seconds"

/**
 * Starts what reads the file of keys again and again, where there is one, and gives the way to put other keys in place of
 * those in use, as the setting `key` spells them. `onChanged` and `onRefused` are run with what came of either.
 *
 * @category constructors
 * @since 0.1.0
 */
export const follow = Effect.fnUntraced(function*(
  keys: Keys,
  settings: KeySettings,
  supervisor: Supervisor.Supervisor,
  onChanged: (ring: KeyRing.KeyRing) => Effect.Effect<void>,
  onRefused: (why: string) => Effect.Effect<void>
): Effect.fn.Return<UseKeys, never, Scope.Scope> {
  const change = (ring: KeyRing.KeyRing) =>
    Effect.suspend(() => {
      const before = keys.ring()
      const isSame = before.active?.id === ring.active?.id && before.mode === ring.mode
        && before.keys.map(({ id }) => id).join() === ring.keys.map(({ id }) => id).join()
      if (isSame) return Effect.void
      keys.use(ring)
      return onChanged(ring)
    })
  let told = ""
  const readFile = ring(settings).pipe(
    Effect.flatMap((ring) => {
      told = ""
      return change(ring)
    }),
    // The keys that were read last stay in use: half a file must not put a server out of its group.
    Effect.catch(({ message }) => {
      if (message === told) return Effect.void
      told = message
      return onRefused(message)
    })
  )
  if (settings.keyFile !== undefined) {
    yield* supervisor.keep("key file", Effect.schedule(readFile, Schedule.spaced(readAgain)))
  }
  return (text) =>
    Effect.flatMap(fromText(Redacted.isRedacted(text) ? text : Redacted.make(text), settings.keyMode), change)
})

/**
 * Starts what tells of strangers and of a group that everybody can join, and what reads the file of keys again. Gives the
 * way to change the keys in code.
 *
 * @category constructors
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function*(
  keys: Keys,
  settings: Settings.Settings,
  endpoint: Pick<Datagrams.Endpoint, "isExposed" | "local">,
  state: GroupState.GroupState,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<UseKeys, never, Scope.Scope> {
  const strangers = Effect.flatMap(
    keys.strangers,
    Effect.forEach(
      ({ count, from, problem }) => state.tell({ event: "WrongKey", problem, from: formatAddress(from), count }),
      { discard: true }
    )
  )
  yield* supervisor.keep("strangers", Effect.forever(Effect.andThen(strangers, Effect.sleep(tellAgain))))
  const useKeys = yield* follow(
    keys,
    settings,
    supervisor,
    ({ active, keys }) =>
      state.tell({ event: "KeysChanged", keys: keys.map(({ id }) => id), active: active?.id ?? null }),
    (why) => state.tell({ event: "KeyFileRefused", why })
  )

  const { keys: known, mode } = keys.ring()
  if (endpoint.isExposed() && (known.length === 0 || mode === "permissive")) {
    const interfaces = endpoint.local.map((local) => local.interface)
    const why = known.length === 0 ? "NoKey" : "Permissive"
    const what = known.length === 0 ? "the group has no key" : "keyMode is permissive"
    yield* Effect.logWarning(
      `${what}: whoever can send to ${interfaces.join(", ")} can join the group, lead it and end it (docs/security.md)`
    )
    // By then whoever shows events has begun to read them.
    yield* Effect.forkScoped(
      Effect.delay(state.tell({ event: "Unprotected", why, interfaces }), settings.discoveryWindow)
    )
  }

  return useKeys
})
