/** A machine whose processes are stopped, or that is suspended, and what happens in which order when it goes on. */
import * as Effect from "effect/Effect"
import type { Host } from "../SimulatedHost.ts"
import type { Agenda } from "./agenda.ts"
import type { Machine } from "./machine.ts"
import * as Sockets from "./sockets.ts"

/** What was about to go on does not: its clock is as if it had, for what comes next. */
const takeOver = (machine: Machine): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { going } = machine
    machine.going = undefined
    return going === undefined ? Effect.void : going.clock
  })

// Nothing runs between the two changes of its clock.
const freeze = (machine: Machine): Effect.Effect<void> =>
  Effect.andThen(
    takeOver(machine),
    Effect.sync(() => {
      machine.frozen = true
    })
  )

const thaw = (
  machine: Machine,
  agenda: Agenda,
  clock: Effect.Effect<void>,
  first: "datagrams" | "sleepers" = "datagrams"
): Effect.Effect<void> => {
  const read = Effect.sync(() => Sockets.thaw(machine, agenda))
  const [before, after] = first === "datagrams" ? [read, clock] : [clock, read]
  // A microsecond apart: what was woken first has gone to sleep again when the others wake.
  const later = Effect.sync(() => {
    const going = { clock: first === "datagrams" ? clock : Effect.void }
    machine.going = going
    agenda.at(agenda.now() + 0.001, "sleeper", () => {
      // It may have been stopped again by then.
      if (machine.going !== going) return
      machine.going = undefined
      Effect.runSync(after)
    })
  })
  return Effect.andThen(takeOver(machine), Effect.andThen(before, later))
}

/** The verbs that stop the processes of a machine, and let them go on. */
export const verbs = (
  machine: Machine,
  clock: Host["clock"],
  agenda: Agenda
): Pick<Host, "pause" | "resume" | "suspend" | "wake"> => {
  const setSuspended = (suspended: boolean) =>
    Effect.sync(() => {
      machine.suspended = suspended
    })
  return {
    pause: Effect.andThen(freeze(machine), clock.pause),
    resume: (first) => thaw(machine, agenda, clock.resume, first),
    suspend: Effect.andThen(setSuspended(true), Effect.andThen(freeze(machine), clock.suspend)),
    wake: (first) => Effect.andThen(setSuspended(false), thaw(machine, agenda, clock.wake, first))
  }
}
