/**
 * Drives a server or a client: inputs go in, one after the other through the one transition, and the outputs of each step
 * are carried out before the next. Between two inputs it sleeps until the state says that something is due.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as MutableRef from "effect/MutableRef"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type { Now } from "../protocol/model/State.ts"
import type * as Supervisor from "./Supervisor.ts"

/** The state of one server or client, and the one way to change it. */
export interface Engine<out State, in Input> {
  /**
   * Steps an input and carries out what the step left; when it returns that is done. Offered while another is carried out, an input waits
   * until that is done: no step begins within another. Never waits, and runs no reader.
   */
  readonly offer: (input: Input) => void
  /** The same as an effect. */
  readonly step: (input: Input) => Effect.Effect<void>
  readonly state: Effect.Effect<State>
  readonly stateUnsafe: () => State
  /** The clocks, and a chance that no other asker is given. */
  readonly now: () => Now
}

/** The parts that an engine drives. */
export interface Options<State, Input, Output> {
  readonly initial: State
  readonly transition: (state: State, input: Input, now: Now) => readonly [State, ReadonlyArray<Output>]
  /** When the input `due` is due, on the monotonic clock; Infinity where nothing is. */
  readonly dueAt: (state: State) => number
  readonly due: Input
  /**
   * Carries out the outputs of a step. It must not wait: an effect that takes time runs elsewhere, and comes back as an
   * input. An effect that wakes others, which go on at once, is left to `afterwards`: it is run when no step is under way.
   */
  readonly carryOut: (
    outputs: ReadonlyArray<Output>,
    states: { readonly before: State; readonly after: State },
    afterwards: (wake: () => void) => void
  ) => void
  /** The other clocks of the machine. */
  readonly clocks?: (() => Partial<Now>) | undefined
  readonly supervisor: Supervisor.Supervisor
}

/** Makes an engine that sleeps no more when the scope closes; it still steps what is offered. */
export const make = Effect.fnUntraced(function*<State, Input, Output>(
  { carryOut, clocks, due, dueAt, initial, supervisor, transition }: Options<State, Input, Output>
): Effect.fn.Return<Engine<State, Input>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const ref = yield* Ref.make(initial)
  const runAlarm = yield* FiberHandle.makeRuntime<never>()
  // One at most for each output that is being carried out.
  const waiting: Array<Input> = []
  const wakes: Array<() => void> = []
  const afterwards = (wake: () => void): void => void wakes.push(wake)
  let isStepping = false
  let wakesAt = Infinity

  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const now = (): Now => ({
    monotonic: monotonic(),
    wall: clock.currentTimeMillisUnsafe(),
    entropy: Math.floor(random.nextDoubleUnsafe() * 4_294_967_296),
    ...clocks?.()
  })

  const stepOne = (input: Input): void => {
    const before = Ref.getUnsafe(ref)
    const [after, outputs] = transition(before, input, now())
    MutableRef.set(ref.ref, after)
    carryOut(outputs, { before, after }, afterwards)
  }

  const offer = (input: Input): void => {
    if (isStepping) return void waiting.push(input)
    isStepping = true
    try {
      for (let next: Input | undefined = input; next !== undefined; next = waiting.shift()) stepOne(next)
      sleepUntilDue()
    } finally {
      isStepping = false
      for (let wake = wakes.shift(); wake !== undefined; wake = wakes.shift()) wake()
    }
  }

  /** One sleep at a time. One that ends too early does nothing but begin the next. */
  const sleepUntilDue = (): void => {
    const at = dueAt(Ref.getUnsafe(ref))
    if (at >= wakesAt) return
    wakesAt = at
    // Whole ms: a rest left by rounding would be no time to sleep.
    const left = Math.max(0, Math.ceil(at - monotonic()))
    runAlarm(Effect.andThen(Effect.sleep(left), supervisor.guard("timers", wake)))
  }
  const wake = Effect.sync(() => {
    wakesAt = Infinity
    if (dueAt(Ref.getUnsafe(ref)) <= monotonic()) offer(due)
    else sleepUntilDue()
  })

  return {
    offer,
    step: (input) => Effect.sync(() => offer(input)),
    state: Ref.get(ref),
    stateUnsafe: () => Ref.getUnsafe(ref),
    now
  }
})
