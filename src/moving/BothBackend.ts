/**
 * Two backends of one server as one, while its group moves from one to the other: it leads while it holds the lead in both.
 *
 * The registry is the second: the server stands there only within a reign of its own in the first, and under the term of that one; see
 * `registry/Enclosing`. So it has one token. Any two servers that may lead share a backend, whether they have both or one of them.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Backend from "../backend/Backend.ts"
import * as Latest from "../engine/Latest.ts"
import type * as Supervisor from "../engine/Supervisor.ts"
import type * as ElectionContext from "../protocol/election/ElectionContext.ts"
import type * as Reign from "../protocol/model/Reign.ts"
import type { Known } from "../protocol/model/Runs.ts"
import * as Runs from "../protocol/work/Runs.ts"
import type * as Pairing from "../server/Pairing.ts"
import type { JoinedEvents } from "./JoinedEvents.ts"
import * as Joining from "./Joining.ts"
import { keepReading } from "./Reading.ts"

/** The two parts, of which the second leads within reigns of the first. */
export interface Pair {
  readonly first: Pairing.Part
  readonly second: Pairing.Part & { readonly enclosed: Pairing.Enclosed }
}

/** How often it is looked whether a reign in the first is of any use, besides whenever either tells something. */
const lookEvery = "1 second"

/** Whether reigns in the two are one: it leads in both, in one term. */
const isInBoth = (one: Reign.Reign | null | undefined, other: Reign.Reign | null): boolean =>
  one?.term !== undefined && one.term === other?.term

/** The reigns that are the same in both. */
const inBoth = (one: ElectionContext.OwnReigns, other: ElectionContext.OwnReigns): ElectionContext.OwnReigns =>
  new Map([...other].filter(([election, reign]) => isInBoth(one.get(election), reign)))

/** The marks that either knows of. Where either may have lost some, some may be lost. */
const known = (one: Known, other: Known): Known => ({
  ...Runs.newest(one, other),
  since: Math.max(one.since, other.since)
})

/** That of one server, over both. */
export const make = Effect.fnUntraced(function*(
  { first, second }: Pair,
  events: JoinedEvents
): Effect.fn.Return<
  {
    readonly backend: Backend.Backend
    readonly run: (supervisor: Supervisor.Supervisor) => Effect.Effect<void, never, Scope.Scope>
  },
  never,
  Scope.Scope
> {
  const [one, other] = [first.backend, second.backend]
  const owns = yield* Latest.make<ElectionContext.OwnReigns>(new Map())
  const backend: Backend.Backend = {
    whose: one.whose,
    ...events,
    own: (election) =>
      Effect.zipWith(one.own(election), other.own(election), (one, other) => isInBoth(one, other) ? other : null),
    ownReigns: owns.changes,
    followed: Effect.fnUntraced(function*(election) {
      const { members } = yield* other.view
      return Joining.followed(
        yield* one.followed(election),
        yield* other.followed(election),
        (id) => members.some((member) => member.id === id)
      )
    }),
    entered: one.entered,
    hasRoom: (election) => Effect.zipWith(one.hasRoom(election), other.hasRoom(election), (one, other) => one && other),
    isGivenUp: one.isGivenUp,
    transferRefusal: Effect.fnUntraced(function*(to, election) {
      if ((yield* backend.own(election)) === null) return "NotLeading"
      const refusals = [yield* one.transferRefusal(to, election), yield* other.transferRefusal(to, election)]
      return refusals.includes(null) ? null : "NoSuchMember"
    }),
    transfersWithin: one.transfersWithin + other.transfersWithin,
    step: (input) => step({ first, second }, input),
    wall: one.wall,
    mark: (job, mark) => Effect.zipWith(one.mark(job, mark), other.mark(job, mark), known, { concurrent: true })
  }
  return { backend, run: (supervisor) => run({ first, second }, owns, supervisor) }
})

/** What the app does about an election. Who leads the first no more leads the second no more, so most is said to the first alone. */
const step = Effect.fnUntraced(function*({ first, second }: Pair, input: Backend.LeadInput) {
  switch (input._tag) {
    case "Campaign":
    case "Withdraw":
      yield* first.backend.step(input)
      return yield* second.backend.step(input)
    case "Transfer": {
      const refusal = yield* first.backend.transferRefusal(input.to, input.election ?? "")
      return yield* (refusal === null ? first : second).backend.step(input)
    }
    default:
      return yield* first.backend.step(input)
  }
})

/** What keeps the two in step, until the scope closes. */
const run = Effect.fnUntraced(function*(
  pair: Pair,
  owns: Latest.Latest<ElectionContext.OwnReigns>,
  supervisor: Supervisor.Supervisor
) {
  const told = { first: new Map() as ElectionContext.OwnReigns, second: new Map() as ElectionContext.OwnReigns }
  const idleSince = new Map<string, number>()
  const take = (from: Joining.From) => (reigns: ElectionContext.OwnReigns) =>
    Effect.gen(function*() {
      told[from] = reigns
      owns.set(inBoth(told.first, told.second))
      if (from === "first") yield* enclose(pair, reigns)
    })
  yield* keepReading(supervisor, "reigns of the first", pair.first.backend.ownReigns, take("first"))
  yield* keepReading(supervisor, "reigns of the second", pair.second.backend.ownReigns, take("second"))
  const looking = look(pair, idleSince)
  yield* keepReading(supervisor, "what the second tells", pair.second.backend.views, () => looking)
  yield* supervisor.keep("use of the first", Effect.repeat(looking, Schedule.spaced(lookEvery)))
})

/** Tells the second in which terms this server leads the first. */
const enclose = ({ first, second }: Pair, reigns: ElectionContext.OwnReigns) =>
  Effect.flatMap(first.backend.entered, (elections) =>
    Effect.forEach(
      elections,
      (election) => second.enclosed.enclose(election, reigns.get(election)?.term ?? null),
      { discard: true }
    ))

/**
 * Gives up reigns in the first that are of no use, so that another may have one that is: of one that the second has passed the next is
 * above that; and who does not reach the second lets others lead the first for a while.
 */
const look = Effect.fnUntraced(
  function*({ first, second: { backend, enclosed } }: Pair, idleSince: Map<string, number>) {
    const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
    const isLive = yield* enclosed.isLive
    for (const election of yield* first.backend.entered) {
      const isIdle = (yield* first.backend.own(election)) !== null && (yield* backend.own(election)) === null
      if (!isIdle || isLive) idleSince.delete(election)
      if (!isIdle) continue
      const term = yield* enclosed.passedBy(election)
      if (term !== null) {
        yield* first.heard(election, term)
        yield* first.backend.step({ _tag: "Resign", election })
      } else if (!isLive) {
        const since = idleSince.get(election) ?? now
        idleSince.set(election, since)
        if (now - since < enclosed.leaseDuration) continue
        idleSince.delete(election)
        yield* first.backend.step({ _tag: "StepDown", election, millis: enclosed.leaseDuration })
      }
    }
  }
)
