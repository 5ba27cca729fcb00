/**
 * The crash links of a server: opened over its endpoint before it says anything, as it announces where they are accepted. What
 * happens to them is stepped, and what the protocol wants of them is done.
 */
import { hkdf } from "@noble/hashes/hkdf.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ip from "../protocol/model/Ip.ts"
import * as Member from "../protocol/model/Member.ts"
import type { Now, State } from "../protocol/model/State.ts"
import * as Step from "../protocol/Step.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import type * as KeyRing from "../protocol/wire/KeyRing.ts"
import type { Settings } from "../settings/Settings.ts"
import type * as CrashLinks from "../transport/CrashLinks.ts"
import type * as Datagrams from "../transport/Datagrams.ts"
import type * as ServerEngine from "./ServerEngine.ts"

/** What the links of a server are opened with; its state is asked for when it has one. */
export interface Options {
  readonly settings: Pick<Settings, "group" | "links">
  readonly endpoint: Pick<Datagrams.Endpoint, "openLinks">
  readonly ring: () => KeyRing.KeyRing
  readonly self: Member.Member
  readonly state: () => State
}

/** Opens them. None where they are switched off, or the endpoint has none. */
export const open = (
  { endpoint: { openLinks }, ring, self, settings, state }: Options
): Effect.Effect<CrashLinks.CrashLinks | null, never, Scope.Scope> =>
  openLinks === undefined || !settings.links ? Effect.succeed(null) : openLinks({
    self: { id: self.id, incarnation: () => state().self.incarnation },
    tag: Frame.groupTag(settings.group),
    accepts: (ip, id, incarnation) => isMember(state(), ip, id, incarnation),
    proofs: (bytes) => proofs(ring(), bytes)
  })

const most = Member.limits.name + Member.limits.hostname + Member.limits.tags - Member.portBytes
  - Member.readsBytes

/** The same server, with where it accepts links, unless its name, its host name and its tags leave no room for that. */
export const announced = (
  { tcp: _, ...self }: Member.Member,
  links: Pick<CrashLinks.CrashLinks, "port"> | null
): Member.Member =>
  links === null || links.port === null || Member.textBytes(self) > most ? self : { ...self, tcp: links.port }

/** Starts the fiber that steps what happens to the links. */
export const run = (
  links: CrashLinks.CrashLinks | null,
  engine: Pick<ServerEngine.ServerEngine, "offer" | "now" | "state">,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> =>
  links === null ? Effect.void : Effect.gen(function*() {
    const first = yield* Deferred.make<CrashLinks.Happening>()
    yield* supervisor.keep(
      "links",
      Effect.forever(
        Effect.map(links.happened, (happened) => {
          for (const one of happened) {
            engine.offer(one)
            Deferred.doneUnsafe(first, Effect.succeed(one))
          }
        }),
        { disableYield: true }
      )
    )
    yield* Effect.forkScoped(supervisor.guard(
      "rehearsal",
      Effect.gen(function*() {
        const { id } = yield* Deferred.await(first)
        yield* Effect.sleep(rehearsalAfter)
        yield* rehearseUntilQuick(yield* engine.state, yield* engine.now, id)
      })
    ))
  })

const rehearsalAfter = Duration.millis(1_500)
/** V8 makes quick code of what has run some times. */
const rehearsals = 20

/** What is compiled is so for all servers of this process. */
let isQuick = false

const rehearseUntilQuick = (...args: Parameters<typeof rehearse>): Effect.Effect<void> => {
  const times = isQuick ? 0 : rehearsals - 1
  isQuick = true
  // Others run in between.
  return Effect.repeat(Effect.andThen(Effect.yieldNow, Effect.sync(() => rehearse(...args))), { times })
}

/**
 * Steps the crash of the leader, or else of a member, on a state that is thrown away, so that the program is compiled when one
 * happens: the first time, that would take longer than all the rest.
 */
const rehearse = (state: State, now: Now, linked: Member.NodeId): void => {
  const leader = state.election.reign?.leader.id
  const id = leader === undefined || leader === state.self.id ? linked : leader
  const known = Option.getOrUndefined(HashMap.get(state.known, id))
  if (known === undefined) return
  const { incarnation } = known.member
  const inputs: ReadonlyArray<readonly [after: number, Step.Input]> = [
    [0, { _tag: "LinkUp", id, incarnation }],
    [1, { _tag: "LinkBroke", id, incarnation }],
    [2, { _tag: "LinkTried", id, incarnation, outcome: "Refused" }],
    [3, { _tag: "Refused", id }],
    // It stands.
    [4, { _tag: "Due" }],
    [200, { _tag: "Due" }]
  ]
  inputs.reduce(
    (before, [after, input]) => Step.step(before, input, { ...now, monotonic: now.monotonic + after })[0],
    state
  )
}

/** Whether that very start is a member, and is heard from there. */
export const isMember = (
  { known }: Pick<State, "known">,
  ip: string,
  id: Member.NodeId,
  incarnation: number
): boolean => {
  const one = Option.getOrUndefined(HashMap.get(known, id))
  if (one?.member.incarnation !== incarnation) return false
  const from = Ip.canonical(ip)
  return [one.address, ...one.alsoAt.map(({ address }) => address), one.member].some((address) =>
    Ip.canonical(address.ip) === from
  )
}

const info = new TextEncoder().encode("bellwether/1 crash link")

/**
 * The proof by each key of the group, that of the key that seals first. A group whose messages are not sealed yet proves
 * nothing.
 */
export const proofs = ({ active, keys }: KeyRing.KeyRing, bytes: Uint8Array): ReadonlyArray<Uint8Array> =>
  active === null ?
    [] :
    [active, ...keys.filter(({ id }) => id !== active.id)].map(({ secret }) =>
      hmac(sha256, hkdf(sha256, Redacted.value(secret), undefined, info, 32), bytes)
    )
