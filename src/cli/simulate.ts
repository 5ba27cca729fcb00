/**
 * `simulate`: runs whole groups on a simulated network, with their real code, under faults drawn from a seed, and says
 * of each promise whether it held. Nothing of it touches the real network.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { SettingRefused } from "../settings/SettingRefused.ts"
import type * as Settings from "../settings/Settings.ts"
import type * as Faults from "../simulator/Faults.ts"
import * as Shrink from "../simulator/Shrink.ts"
import * as Simulation from "../simulator/Simulation.ts"
import * as CommandLine from "./options.ts"
import * as Output from "./output.ts"
import * as Progress from "./progress.ts"
import * as Text from "./simulationText.ts"
import * as Tally from "./tally.ts"

/** A promise was broken in a run: what it says was told already. */
class PromiseBroken extends Schema.TaggedError<PromiseBroken>()("PromiseBroken", {
  seed: Schema.Finite,
  invariants: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorReported] = false
  override get message() {
    return `with seed ${this.seed} there was broken: ${this.invariants.join(", ")}`
  }
}

export interface Options {
  readonly servers: number
  /** How many of them vote; all, unless set. */
  readonly voters: number | undefined
  readonly seed: number
  readonly minutes: number
  readonly faults: Faults.Profile
  readonly runs: number
  readonly untilFailure: boolean
  readonly json: boolean
}

export const simulate = Effect.fnUntraced(function*(settings: Settings.Settings, options: Options) {
  yield* refuseVoters(settings, options)
  const session = makeSession(settings, options)
  // Who stops it need not read what was run.
  const tellSoon = Effect.timeoutOption(
    Effect.interruptible(Effect.ignore(Effect.suspend(() => tellTotal(session, session.now)))),
    "500 millis"
  )
  yield* Effect.onInterrupt(runAll(session), () => Effect.andThen(session.progress.clear, tellSoon))
})

/** A vote is one of a lease. More voters than servers there cannot be, and more than `groupSize` would make two majorities. */
const refuseVoters = ({ groupSize = 0, leadership }: Settings.Settings, { servers, voters }: Options) => {
  if (voters === undefined) return Effect.void
  const most = Math.min(servers, groupSize)
  const allowed = leadership === "bully"
    ? "none, or any with leadership lease: a bully's group has no votes"
    : `at most ${most}, which is ${most === servers ? "the number of servers" : "groupSize"}`
  return leadership === "lease" && voters <= most
    ? Effect.void
    : Effect.fail(new SettingRefused({ setting: "voters", as: "--voters", was: String(voters), allowed }))
}

/** One call of the command, and how far it is. */
interface Session {
  readonly options: Options
  readonly settings: Settings.Options
  /** Of one run the whole story is told, of several what they came to. */
  readonly single: boolean
  readonly progress: Progress.Progress
  tally: Tally.Tally
  /** Where it is, for who stops it. */
  now: Text.Stopped
}

const makeSession = (settings: Settings.Settings, options: Options): Session => ({
  options,
  settings: simulated(settings),
  single: options.runs === 1 && !options.untilFailure,
  progress: Progress.make(),
  tally: Tally.empty,
  now: { seed: options.seed, at: 0 }
})

/** What of the settings has a part in a simulated run. */
const simulated = (settings: Settings.Settings): Settings.Options =>
  Object.fromEntries(CommandLine.simulatedKeys.map((key) => [key, settings[key]]))

/** Runs one seed after the other, until a promise is broken. */
const runAll = Effect.fnUntraced(function*(session: Session) {
  const { options: { runs, seed: first, untilFailure }, progress, single } = session
  // Without end, unless it is said how many at most.
  const last = untilFailure && runs === 1 ? Infinity : first + runs - 1
  for (let seed = first; seed <= last; seed++) {
    const report = yield* runOne(session, seed)
    // So that a signal is heard between two runs.
    yield* Effect.yieldNow
    if (report.violations.length > 0) return yield* broken(session, seed, report)
  }
  yield* progress.clear
  if (!single) yield* tellTotal(session, null)
})

const runOne = Effect.fnUntraced(function*(session: Session, seed: number) {
  const { options: { faults, json }, progress, single } = session
  const begin = yield* Clock.currentTimeMillis
  const report = yield* Simulation.run({
    ...runOf(session, seed),
    progress: (passed) => showProgress(session, seed, passed)
  })
  const seconds = ((yield* Clock.currentTimeMillis) - begin) / 1_000
  session.tally = Tally.add(session.tally, report, seconds)
  if (single) {
    yield* progress.clear
    yield* json ? Output.line(JSON.stringify(report)) : Output.line(Text.page(report, seconds, faults).join("\n"))
  }
  return report
})

const runOf = (
  { options: { faults, minutes, servers, voters }, settings }: Session,
  seed: number
): Simulation.Options => ({
  servers,
  voters,
  seed,
  millis: minutes * 60_000,
  faults,
  settings
})

const showProgress = (session: Session, seed: number, passed: number) => {
  const { options: { minutes, runs }, progress, single, tally } = session
  session.now = { seed, at: passed }
  const millis = minutes * 60_000
  const share = runs === 1 ? passed / millis : (tally.runs + passed / millis) / runs
  const of = single ? ` of ${Text.toSecond(millis)}` : ""
  const which = single ? "" : `run ${tally.runs + 1}${runs === 1 ? "" : ` of ${runs}`}, `
  return progress.show(share, `${which}seed ${seed}, ${Text.toSecond(passed)}${of}`)
}

/** Tells which promise was broken, and then the shortest story that breaks it. */
const broken = Effect.fnUntraced(function*(session: Session, seed: number, report: Simulation.Report) {
  const { options: { json }, progress, single } = session
  const found = { seed, invariants: [...new Set(report.violations.map(({ invariant }) => invariant))] }
  // Now: to shrink it takes a while, and a user who does not wait for that must know the seed.
  if (!single) {
    yield* progress.clear
    yield* Output.line(
      json ? JSON.stringify({ broken: found }) : `seed ${seed} breaks ${found.invariants.join(", ")}`
    )
  }
  const short = yield* Shrink.shrink(runOf(session, seed), report, {
    tell: (faults, left) => progress.show(1, `seed ${seed}: still broken with ${faults} faults, ${left} tries left`)
  })
  yield* progress.clear
  yield* Output.line(
    json
      ? JSON.stringify({ shrunk: short })
      : [...(single ? [""] : []), ...Text.shrunk(seed, short)].join("\n")
  )
  if (!single) yield* tellTotal(session, null)
  return yield* new PromiseBroken(found)
})

/** Tells what all runs came to, and where the last one was if it was stopped. */
const tellTotal = ({ options: { json }, tally }: Session, stopped: Text.Stopped | null) =>
  Output.line(
    json
      ? JSON.stringify({
        ...tally,
        virtualSecondsASecond: Tally.speed(tally),
        ...(stopped === null ? {} : { stopped })
      })
      : Text.summary(tally, stopped).join("\n")
  )
