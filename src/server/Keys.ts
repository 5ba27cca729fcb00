/**
 * The keys of a group as a server has them: read from its settings before anything is opened, changed while it runs, and
 * and what shows that others have another key is told.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ip from "../protocol/model/Ip.ts"
import { type Address, formatAddress } from "../protocol/model/Member.ts"
import * as Name from "../protocol/model/Name.ts"
import * as KeyRing from "../protocol/wire/KeyRing.ts"
import * as Session from "../protocol/wire/Session.ts"
import { settings as allSettings } from "../settings/SettingList.ts"
import { notShown, SettingRefused } from "../settings/SettingRefused.ts"
import { plainOnlyIfPermissive } from "../settings/SettingRules.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import { formatMode, isExposed, KeyFile } from "../transport/KeyFile.ts"
import type * as Sessions from "../transport/Sessions.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** The settings that say which keys there are. */
export type KeySettings = Pick<Settings.Settings, "key" | "keyFile" | "keyMode">

/** The keys in use, the way to replace them, and the datagrams that were seen from senders with other keys. */
export interface Keys extends Sessions.Keys {
  readonly use: (ring: KeyRing.KeyRing) => void
  /** The permissions of the file of keys, where others than its owner may do anything with it; else null. */
  readonly exposure: () => Exposure | null
  /** Waits until there is something to tell, and takes all of it. */
  readonly strangers: Effect.Effect<ReadonlyArray<Seen>>
}

/** A problem of keys: which it is, how often since it was last reported, and the source of the newest such datagram. */
export interface Seen {
  readonly problem: Sessions.UnauthenticatedSender
  readonly from: Address
  readonly count: number
}

/** A file of keys that others than its owner may read or change, and its permissions as `chmod` takes them. */
export interface Exposure {
  readonly path: string
  readonly mode: string
}

/** Puts other keys in place of those in use. */
export type UseKeys = (keys: Redacted.Redacted | string) => Effect.Effect<void, SettingRefused>

const refused = (setting: "key" | "keyFile", was: string, allowed: string) =>
  new SettingRefused({ setting, as: setting, was, allowed })

/** The ring that a text names, or what is allowed in its place. */
const ringOf = (text: string, mode: KeyRing.Mode): Result.Result<KeyRing.KeyRing, string> => {
  const keys = Option.getOrUndefined(KeyRing.parse(text))
  return keys === undefined
    ? Result.fail(allSettings.key.allowed)
    : keys.active === null && mode === "enforce"
    ? Result.fail(plainOnlyIfPermissive)
    : Result.succeed({ ...keys, mode })
}

interface Found {
  readonly ring: KeyRing.KeyRing
  readonly exposure: Exposure | null
}

const fromFile = Effect.fnUntraced(function*(
  path: string,
  keyMode: KeyRing.Mode
): Effect.fn.Return<Found, SettingRefused> {
  const { read } = yield* KeyFile
  const shown = Name.quoted(KeyRing.hidden(path))
  const { mode, text } = yield* Effect.mapError(
    read(path),
    ({ why }) => refused("keyFile", `${shown} (${why})`, "a file that can be read and holds the group's keys")
  )
  // The content of the file is not shown: it may be nearly a key.
  const ring = yield* Effect.fromResult(
    Result.mapError(ringOf(text, keyMode), (allowed) => refused("keyFile", shown, `a file that holds ${allowed}`))
  )
  return { ring, exposure: isExposed(mode) ? { path, mode: formatMode(mode) } : null }
})

const find = ({ key, keyFile, keyMode }: KeySettings): Effect.Effect<Found, SettingRefused> =>
  keyFile !== undefined
    ? fromFile(keyFile, keyMode)
    : Effect.succeed({ ring: key === undefined ? KeyRing.none : { ...key, mode: keyMode }, exposure: null })

/** The ring that settings name; a file is read now. */
export const ring = (settings: KeySettings): Effect.Effect<KeyRing.KeyRing, SettingRefused> =>
  Effect.map(find(settings), ({ ring }) => ring)

/**
 * The keys that settings name, to be given to a `Messenger`. `memberTimeout` is how long, in ms, a member may be silent.
 */
export const make = Effect.fnUntraced(function*(
  settings: KeySettings & Pick<Settings.Settings, "maxSessions">,
  memberTimeout: number
): Effect.fn.Return<Keys, SettingRefused> {
  const { exposure, ring } = yield* find(settings)
  let inUse = ring
  const freshness = Session.freshness(memberTimeout)
  const seen = new Map<Sessions.UnauthenticatedSender, Seen>()
  const signal = yield* Queue.sliding<void>(1)
  return {
    ring: () => inUse,
    use: (ring) => {
      inUse = ring
    },
    exposure: () => exposure,
    freshness: () => freshness,
    maxSessions: settings.maxSessions,
    onUnauthenticated: (problem, from) => {
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

/** Says in the log that others than its owner may read or change the file of keys. */
export const warnOfExposure = ({ mode, path }: Exposure): Effect.Effect<void> =>
  Effect.logWarning(
    `others than its owner may use the file of keys ${
      Name.quoted(path)
    } (permissions ${mode}): chmod 600 makes it theirs alone`
  )

/** The shortest time between two events about one matter of keys. */
const tellAgain = "10 seconds"
const readAgain = "2 seconds"

/**
 * Starts the loop that reads the file of keys, if there is one, and gives the way to replace the keys in use, as the
 * setting `key` spells them. `onChanged` and `onRefused` are run with the result of either, and `onExposed` if others than
 * its owner may read or change the file: at first, and whenever its permissions change.
 */
export const follow = Effect.fnUntraced(function*(
  keys: Keys,
  settings: KeySettings,
  supervisor: Supervisor.Supervisor,
  onChanged: (ring: KeyRing.KeyRing) => Effect.Effect<void>,
  onRefused: (why: string) => Effect.Effect<void>,
  onExposed: (exposure: Exposure) => Effect.Effect<void>
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
  let exposed: string | undefined
  const look = (exposure: Exposure | null) => {
    if (exposure?.mode === exposed) return Effect.void
    exposed = exposure?.mode
    return exposure === null ? Effect.void : onExposed(exposure)
  }
  yield* look(keys.exposure())
  const readFile = find(settings).pipe(
    Effect.flatMap(({ exposure, ring }) => {
      told = ""
      return Effect.andThen(look(exposure), change(ring))
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
  return (given) =>
    Effect.fromResult(ringOf(Redacted.isRedacted(given) ? Redacted.value(given) : given, settings.keyMode)).pipe(
      Effect.mapError((allowed) => refused("key", notShown, allowed)),
      Effect.flatMap(change)
    )
})

/** The loops for the keys of a server. */
export interface Running {
  readonly useKeys: UseKeys
  /** Tells, once, that everybody can join the group, where others than this host can send to it by now. */
  readonly judge: Effect.Effect<void>
}

/**
 * Starts the loops that report unauthenticated senders and a group that everybody can join, and that read the file of keys
 * again. Gives the way to change the keys in code, and to judge again whether they are needed when the network has changed.
 */
export const run = Effect.fnUntraced(function*(
  keys: Keys,
  settings: Settings.Settings,
  endpoint: Pick<Datagrams.Endpoint, "isExposed" | "local">,
  state: ServerEngine.ServerEngine,
  supervisor: Supervisor.Supervisor
): Effect.fn.Return<Running, never, Scope.Scope> {
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
    (why) => state.tell({ event: "KeyFileRefused", why }),
    (exposure) => Effect.andThen(warnOfExposure(exposure), state.tell({ event: "KeyFileExposed", ...exposure }))
  )

  let told = ""
  const judge = Effect.suspend(() => {
    const { keys: known, mode } = keys.ring()
    if (!endpoint.isExposed() || (known.length > 0 && mode !== "permissive")) return Effect.void
    const interfaces = endpoint.local.filter(({ ip }) => !Ip.isLoopback(ip)).map((local) => local.interface)
    const why = known.length === 0 ? "NoKey" : "Permissive"
    if (why === told) return Effect.void
    told = why
    const what = known.length === 0 ? "the group has no key" : "keyMode is permissive"
    return Effect.logWarning(
      `${what}: all who can send to ${interfaces.join(", ")} can join the group, lead it and end it (docs/security.md)`
    ).pipe(Effect.andThen(state.tell({ event: "Unprotected", why, interfaces })))
  })
  yield* judge
  return { useKeys, judge }
})
