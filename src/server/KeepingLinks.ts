/**
 * The crash links of a server: opened over its endpoint before it says anything, as it announces where they are accepted. What
 * happens to them is stepped, and what the protocol wants of them is done.
 */
import { hkdf } from "@noble/hashes/hkdf.js"
import { hmac } from "@noble/hashes/hmac.js"
import { sha256 } from "@noble/hashes/sha2.js"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as Supervisor from "../engine/Supervisor.ts"
import * as Ip from "../protocol/model/Ip.ts"
import * as Member from "../protocol/model/Member.ts"
import type { State } from "../protocol/model/State.ts"
import * as Frame from "../protocol/wire/Frame.ts"
import type * as KeyRing from "../protocol/wire/KeyRing.ts"
import type { Settings } from "../settings/Settings.ts"
import type { CrashLinks } from "../transport/CrashLinks.ts"
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
): Effect.Effect<CrashLinks | null, never, Scope.Scope> =>
  openLinks === undefined || !settings.links ? Effect.succeed(null) : openLinks({
    self: { id: self.id, incarnation: () => state().self.incarnation },
    tag: Frame.groupTag(settings.group),
    accepts: (ip, id, incarnation) => isMember(state(), ip, id, incarnation),
    proofs: (bytes) => proofs(ring(), bytes)
  })

const most = Member.limits.name + Member.limits.hostname + Member.limits.tags - Member.portBytes

/** The same server, with where it accepts links, unless its name, its host name and its tags leave no room for that. */
export const announced = (self: Member.Member, links: CrashLinks | null): Member.Member =>
  links === null || links.port === null || Member.textBytes(self) > most ? self : { ...self, tcp: links.port }

/** Starts the fiber that steps what happens to the links. */
export const run = (
  links: CrashLinks | null,
  state: Pick<ServerEngine.ServerEngine, "offer">,
  supervisor: Supervisor.Supervisor
): Effect.Effect<void, never, Scope.Scope> =>
  links === null
    ? Effect.void
    : supervisor.keep(
      "links",
      Effect.forever(Effect.map(links.happened, (happened) => happened.forEach(state.offer)), { disableYield: true })
    )

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
