/** A server's leadership, in the group's own election and in those of other names, over its backend. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as Backend from "../backend/Backend.ts"
import * as Closing from "../engine/Closing.ts"
import * as Election from "../protocol/model/Election.ts"
import type * as Member from "../protocol/model/Member.ts"
import * as Reign from "../protocol/model/Reign.ts"
import {
  ElectionRefused,
  type LeadershipShape,
  NoSuchMember,
  NotLeading,
  TimeRefused,
  TransferFailed
} from "./Leadership.ts"
import type * as LeadingWork from "./LeadingWork.ts"
import * as ScheduledRuns from "./ScheduledRuns.ts"
import * as Singleton from "./Singleton.ts"
import * as WhileLeader from "./WhileLeader.ts"

/** The group's own leadership, and the way to those of other names. */
export const make = (
  backend: Backend.Backend,
  works: LeadingWork.All
): LeadershipShape => {
  // How many scopes asked for each name.
  const asked = new Map<string, number>()
  const ask = (election: string) =>
    Effect.flatMap(backend.hasRoom(election), (hasRoom) => {
      if (!Election.isName(election)) return Effect.fail(new ElectionRefused({ election, reason: "name" }))
      if (!hasRoom) return Effect.fail(new ElectionRefused({ election, reason: "room" }))
      asked.set(election, (asked.get(election) ?? 0) + 1)
      return backend.step({ _tag: "Campaign", election })
    })
  const withdraw = (election: string) =>
    Effect.suspend(() => {
      const left = (asked.get(election) ?? 0) - 1
      if (left > 0) {
        asked.set(election, left)
        return Effect.void
      }
      asked.delete(election)
      works.release(election)
      return backend.step({ _tag: "Withdraw", election })
    })
  const of: LeadershipShape["of"] = (election) =>
    Effect.acquireRelease(ask(election), () => withdraw(election)).pipe(
      Effect.map(() => over({ backend, works, election }, of))
    )
  return over({ backend, works, election: Election.ofGroup }, of)
}

/** One election of one server, and the leading work of all of them. */
interface Of {
  readonly backend: Backend.Backend
  readonly works: LeadingWork.All
  readonly election: string
}

const over = (one: Of, of: LeadershipShape["of"]): LeadershipShape => {
  const { backend, election, works } = one
  const lead = leadOf(one)
  return {
    isLeader: Effect.map(lead.own, (reign) => reign !== null),
    current: Effect.map(lead.own, Option.fromNullishOr),
    followed: Effect.map(backend.followed(election), Option.fromNullishOr),
    resign: Effect.flatMap(lead.own, (reign) => reign === null ? notLeading : Effect.uninterruptible(lead.resign)),
    stepDownFor: (duration) =>
      Option.match(Option.filter(Duration.fromInput(duration), isAllowed), {
        onNone: () => Effect.fail(new TimeRefused({ was: shown(duration) })),
        onSome: (time) => backend.step({ _tag: "StepDown", election, millis: Math.ceil(Duration.toMillis(time)) })
      }),
    transferTo: transferTo(one, lead.own),
    whileLeader: (effect) => Effect.suspend(() => WhileLeader.whileLeader(lead, works.of(election), effect)),
    singleton: singleton(one, lead),
    cron: cron(one, lead),
    drain: drain(one),
    of
  }
}

/** The lead in one election as its work sees it. */
const leadOf = (one: Of): LeadingWork.Lead => {
  const { backend, election, works } = one
  return {
    about: { ...backend.whose, election },
    own: backend.own(election),
    owns: Stream.map(backend.ownReigns, (all) => all.get(election) ?? null),
    token: (reign) => Reign.token(reign, election),
    resign: backend.step({ _tag: "Resign", election }),
    overran: (term) =>
      Effect.andThen(
        backend.tell({ event: "WorkOverran", election, term, for: Duration.toMillis(works.stopTimeout) }),
        backend.step({ _tag: "WorkOverran", election, term })
      ),
    finished: backend.step({ _tag: "WorkFinished", election }),
    failed: (term, cause) => tellFailure(one, "", { term, cause, again: null }),
    givenUp: backend.step({ _tag: "WorkGivenUp", election }),
    offered: Effect.flatMap(
      backend.isGivenUp(election),
      (isGivenUp) => isGivenUp ? backend.step({ _tag: "WorkOffered", election }) : Effect.void
    )
  }
}

/** To the log too: the caller may have forked the work, and reads no events. */
const tellFailure = ({ backend, election }: Of, name: string, { again, cause, term }: Singleton.Failure) => {
  const what = `${name === "" ? "leading work" : `the singleton ${name}`} failed in term ${term}`
  const text = Cause.pretty(cause).split("\n")[0] ?? ""
  return Effect.andThen(
    again === null
      ? Effect.logError(`${what}; it is not started again, and this server resigns`, cause)
      : Effect.logWarning(`${what}; it is started again after ${again} ms`, cause),
    backend.tell({ event: "WorkFailed", election, name, term, cause: text.slice(0, 500), again })
  ).pipe(Effect.annotateLogs({ ...backend.whose, ...election === Election.ofGroup ? {} : { election }, term }))
}

const singleton = (one: Of, lead: LeadingWork.Lead): LeadershipShape["singleton"] => (name, effect, options = {}) =>
  Effect.flatMap(Effect.orDie(Singleton.check(options)), () => {
    const work = one.works.of(one.election)
    const { singletons } = work
    if (singletons.has(name)) return Effect.die(new Error(`the singleton ${name} runs on this server already`))
    singletons.add(name)
    const restarted = Singleton.restarted(effect, options, (failure) => tellFailure(one, name, failure))
    // The last failure is told as each before it.
    return WhileLeader.whileLeader({ ...lead, failed: () => Effect.void }, work, restarted).pipe(
      Effect.ensuring(Effect.sync(() => singletons.delete(name)))
    )
  })

const cron = (one: Of, lead: LeadingWork.Lead): LeadershipShape["cron"] => (name, cron, work, options = {}) => {
  const { catchUp = "skip", healthyAfter } = options
  const { backend, election: leadership } = one
  const mark: ScheduledRuns.Job<unknown, unknown, unknown>["mark"] = (mark) =>
    backend.mark({ leadership, job: name }, mark)
  return Effect.flatMap(
    Effect.orDie(ScheduledRuns.check(name, options)),
    () =>
      singleton(one, lead)(name, ScheduledRuns.run({ cron, work, catchUp, mark, wall: backend.wall }), {
        healthyAfter,
        schedule: ScheduledRuns.scheduleOf(options)
      })
  )
}

const drain = ({ backend, works }: Of): LeadershipShape["drain"] =>
  Effect.flatMap(backend.entered, (elections) => {
    const millis = Duration.toMillis(longest)
    return Effect.andThen(
      Effect.forEach(elections, (election) => backend.step({ _tag: "StepDown", election, millis })),
      Closing.waitFor(Effect.forEach(elections, works.idle), works.stopTimeout)
    )
  })

const transferTo = (
  { backend, election, works }: Of,
  own: LeadingWork.Lead["own"]
): LeadershipShape["transferTo"] =>
  Effect.fn("Leadership.transferTo")(function*(member: Member.NodeId | { readonly id: Member.NodeId }) {
    const to = typeof member === "string" ? member : member.id
    yield* Effect.annotateCurrentSpan({ ...backend.whose, election, to })
    // Subscribed before the lead is given up, so that no leader is missed. The former leader is none of them: just after the start a
    // subscription would begin with all that was told.
    const { events } = yield* backend.events.subscribeAfter(backend.events.sequence())
    const reign = yield* own
    const refusal = reign === null ? "NotLeading" : yield* backend.transferRefusal(to, election)
    if (refusal === "NotLeading") return yield* notLeading
    if (to === backend.whose.node) return
    if (refusal === "NoSuchMember") return yield* new NoSuchMember({ id: to, election })
    yield* backend.step({ _tag: "Transfer", election, to })
    const within = Duration.toMillis(works.stopTimeout) + backend.transfersWithin
    const leader = yield* events.pipe(
      Stream.filterMap((event) =>
        event.event === "LeaderChanged" && event.election === election && event.leader !== null
          ? Result.succeed(event.leader.id)
          : Result.failVoid
      ),
      Stream.runHead,
      Effect.timeoutOption(within),
      Effect.map((found) => Option.getOrNull(Option.flatten(found)))
    )
    if (leader !== to) return yield* new TransferFailed({ to, leader })
  }, Effect.scoped)

const notLeading = Effect.suspend(() => Effect.fail(new NotLeading({ term: null })))

/** The longest time that a server can be told to step down for. */
const longest = Duration.hours(24)

const isAllowed = (time: Duration.Duration): boolean =>
  Duration.isFinite(time) && Duration.toMillis(time) > 0 && Duration.isLessThanOrEqualTo(time, longest)

const shown = (duration: Duration.Input): string =>
  Option.match(Duration.fromInput(duration), {
    onNone: () => JSON.stringify(duration),
    onSome: Duration.format
  })
