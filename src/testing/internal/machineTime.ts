/** The clocks of one machine, and the fibers that sleep by them. */
import * as Effect from "effect/Effect"
import type * as Agenda from "./agenda.ts"
import * as LocalTime from "./localTime.ts"
import * as Sleepers from "./sleepers.ts"

export class MachineTime {
  readonly #agenda: Agenda.Agenda
  readonly #sleepers = Sleepers.make()
  #time: LocalTime.LocalTime
  #isPaused = false
  #alarm: Agenda.Entry | undefined
  /** Sleepers are being woken: the alarm is set when they have been. */
  #isWaking = false

  constructor(agenda: Agenda.Agenda, options: Parameters<typeof LocalTime.make>[1]) {
    this.#agenda = agenda
    this.#time = LocalTime.make(agenda.now(), options)
  }

  readonly monotonic = (): number => LocalTime.monotonicAt(this.#time, this.#agenda.now())
  readonly wall = (): number => LocalTime.wallAt(this.#time, this.#agenda.now())
  readonly sinceStart = (): number => LocalTime.sinceStart(this.#time, this.#agenda.now())

  get state(): "running" | "paused" | "suspended" {
    return this.#time.isSuspended ? "suspended" : this.#isPaused ? "paused" : "running"
  }

  get sleepers(): number {
    return this.#sleepers.size()
  }

  /** Its clocks run otherwise from now on. */
  change(change: (time: LocalTime.LocalTime) => Partial<LocalTime.LocalTime>): void {
    const time = LocalTime.rebased(this.#time, this.#agenda.now())
    this.#time = { ...time, ...change(time) }
    this.#arm()
  }

  /** No sleeper wakes any more, or they do again. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.change(() => ({}))
  }

  /** Somebody sets the wall clock: no sleeper notices. */
  setWall(by: number): void {
    this.#time = { ...this.#time, ahead: this.#time.ahead + by }
  }

  /** Sleepers wait as if nothing were. */
  setBack(by: number): void {
    this.#sleepers.setBack(by)
    this.change((time) => LocalTime.setBack(time, by))
  }

  sleep(millis: number, owner: Sleepers.Owner): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const sleeper = { until: this.monotonic() + millis, owner, resume: () => resume(Effect.void) }
      if (owner.state === "killed") owner.held.push(sleeper)
      else if (this.#sleepers.add(sleeper)) this.#arm()
      return Effect.sync(() => this.#forget(sleeper))
    })
  }

  /** Takes all that sleep in one process from the clock, in the order of their times. */
  takeSleepersOf(owner: Sleepers.Owner): ReadonlyArray<Sleepers.Sleeper> {
    const taken = this.#sleepers.takeOf(owner)
    this.#arm()
    return taken
  }

  #forget(sleeper: Sleepers.Sleeper): void {
    const { held } = sleeper.owner
    if (held.includes(sleeper)) held.splice(held.indexOf(sleeper), 1)
    if (this.#sleepers.remove(sleeper)) this.#arm()
  }

  /** The alarm rings when the first sleeper is to wake. */
  #arm(): void {
    if (this.#isWaking) return
    const first = this.state === "running" ? this.#sleepers.first() : undefined
    const due = first && LocalTime.whenMonotonic(this.#time, first.until, this.#agenda.now())
    if (this.#alarm !== undefined) {
      if (this.#alarm.run !== undefined && due !== undefined && Math.abs(this.#alarm.due - due) < 0.0005) return
      this.#agenda.cancel(this.#alarm)
      this.#alarm = undefined
    }
    if (due !== undefined) this.#alarm = this.#agenda.at(due, "sleeper", () => this.#wakeExpired())
  }

  #wakeExpired(): void {
    this.#alarm = undefined
    this.#isWaking = true
    // A sleeper that wakes may pause the machine, or go to sleep again.
    for (;;) {
      const first = this.#sleepers.first()
      if (this.state !== "running" || first === undefined || first.until > this.monotonic() + 0.0005) break
      this.#sleepers.take()?.resume()
    }
    this.#isWaking = false
    this.#arm()
  }
}
