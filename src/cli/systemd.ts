/**
 * Tells systemd how the server fares, where it was started by a unit of `Type=notify`: that it is ready, who leads, that
 * it lives, that it stops.
 *
 * systemd listens on a socket of a kind that Node cannot open (AF_UNIX, datagrams). Its own `systemd-notify` sends for us:
 * it is there on each host with systemd, and nothing native has to be built. The unit needs `NotifyAccess=all`, for the messages
 * come from a child. See sd_notify(3) and sd_watchdog_enabled(3).
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type * as Group from "../server/Group.ts"
import type * as Settings from "../settings/Settings.ts"
import * as Shortfall from "../status/Shortfall.ts"
import * as Text from "../status/Text.ts"
import * as Output from "./output.ts"

export interface Systemd {
  /** From now on systemd is told, until the scope closes. */
  readonly serving: (
    group: Group.GroupShape,
    settings: Settings.Settings
  ) => Effect.Effect<void, never, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner>
  readonly stopping: Effect.Effect<void, never, ChildProcessSpawner.ChildProcessSpawner>
}

const nobody: Systemd = { serving: () => Effect.void, stopping: Effect.void }

const variable = (name: string) => Effect.orElseSucceed(Config.withDefault(Config.String(name), ""), () => "")

// systemd-notify by itself waits for five seconds at most until systemd has read the message.
const patience = Duration.seconds(6)

/** Within what time systemd must hear that we live, or undefined where nobody watches this process. */
const watchdog = Effect.gen(function*() {
  const micros = Number(yield* variable("WATCHDOG_USEC"))
  const pid = yield* variable("WATCHDOG_PID")
  return micros > 0 && Number.isFinite(micros) && (pid === "" || pid === String(process.pid))
    ? Duration.millis(micros / 1000)
    : undefined
})

/** Who leads, and how many there are; or that too few are there: what `systemctl status` shows. */
export const statusOf = (
  { members, reign, self }: Group.View,
  settings: Pick<Settings.Settings, "groupSize" | "minimumMembers">
): string => {
  const count = `${members.length} ${members.length === 1 ? "server" : "servers"}`
  if (reign === null) return `nobody leads, ${Shortfall.shortfall(settings, { members }) ?? count}`
  const leader = members.find(({ id }) => id === reign.leader.id)
  const name = reign.leader.id === self.id ? "we lead" : `${Text.clean(leader?.name ?? reign.leader.id)} leads`
  return `${name}, term ${reign.term}, ${count}`
}

/**
 * Sends one message after the other: each is a process, and none may overtake another. After the `last` nothing is sent: what
 * becomes of the group while the server leaves it is no news to systemd.
 */
const makeSay = () => {
  const inTurn = Semaphore.makeUnsafe(1)
  let complained = false
  let isOver = false
  const complain = (why: string) =>
    Effect.suspend(() => {
      if (complained) return Effect.void
      complained = true
      return Output.complain(
        `systemd cannot be told how this server fares (${why}): a unit of Type=notify will take it for one that hangs; `
          + "install systemd-notify, or make the unit one of Type=exec without WatchdogSec"
      )
    })
  const send = (assignments: ReadonlyArray<string>) =>
    ChildProcess.make("systemd-notify", assignments, {
      extendEnv: true,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore"
    }).pipe(
      Effect.flatMap(({ exitCode }) => exitCode),
      Effect.scoped,
      Effect.flatMap((code) => code === 0 ? Effect.void : complain(`systemd-notify ended with ${code}`)),
      Effect.timeoutOrElse({ duration: patience, orElse: () => complain("systemd-notify does not end") }),
      Effect.catch((error) => complain(error.message))
    )
  return {
    say: (...assignments: ReadonlyArray<string>) =>
      inTurn.withPermits(1)(Effect.suspend(() => isOver ? Effect.void : send(assignments))),
    last: (...assignments: ReadonlyArray<string>) =>
      inTurn.withPermits(1)(Effect.suspend(() => {
        isOver = true
        return send(assignments)
      }))
  }
}

/** What there is to tell systemd, and nothing where it did not ask. */
export const make: Effect.Effect<Systemd> = Effect.gen(function*() {
  if ((yield* variable("NOTIFY_SOCKET")) === "") return nobody
  const within = yield* watchdog
  const { last, say } = makeSay()
  return {
    serving: Effect.fnUntraced(function*(group, settings) {
      const tellStatus = group.changes.pipe(
        Stream.map((view) => statusOf(view, settings)),
        Stream.changes,
        // It is news: of several, the last counts.
        Stream.buffer({ capacity: 1, strategy: "sliding" }),
        Stream.runForEach((status) => say(`STATUS=${status}`))
      )
      // One that has no vote takes nobody the majority.
      const silence = settings.votes ? yield* group.votesIn : 0
      // One that does not vote yet is not ready: where it stood for the next to be restarted, a majority might be silent.
      const ready = silence === 0
        ? say("READY=1")
        : say(`STATUS=votes in ${Text.age(silence)} at the latest`, `EXTEND_TIMEOUT_USEC=${(silence + 10_000) * 1_000}`)
          .pipe(Effect.andThen(group.votes), Effect.andThen(say("READY=1")))
      yield* Effect.forkScoped(Effect.andThen(ready, tellStatus))
      if (within === undefined) return
      const half = Duration.times(within, 0.5)
      // The event loop turns, or we would not be here; that the server's own fibers do, their sending shows.
      const longest = Duration.toMillis(Duration.sum(Duration.times(settings.heartbeatInterval, 2), half))
      const feed = Effect.flatMap(
        group.pulse,
        (pulse) =>
          pulse <= longest ? say("WATCHDOG=1") : Effect.logWarning(
            `the watchdog is not fed: this server has sent nothing for ${Text.age(pulse)}`
          )
      )
      yield* Effect.forkScoped(Effect.repeat(feed, Schedule.spaced(half)))
    }),
    stopping: last("STOPPING=1")
  }
})
