/** An endpoint follows the changes of the network here. `interfaces/Changes` decides what a change calls for. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Options } from "../Datagrams.ts"
import { type Attachment, type Change, changes } from "../interfaces/Changes.ts"
import { leftOut } from "../interfaces/Choice.ts"
import type { Interfaces, System } from "../interfaces/Interfaces.ts"
import type { SystemInterface } from "../interfaces/SystemInterface.ts"
import { type Attached, changed, type Held, news, noInterface, onDevice, toChanges } from "./Attached.ts"
import type * as Attaching from "./Attaching.ts"
import type * as Memberships from "./Memberships.ts"
import * as Socket from "./Socket.ts"
import type * as Sources from "./Sources.ts"

/**
 * The parts that follow the network. `choose` takes note of a look at the interfaces, and answers with those that are
 * wanted.
 */
export interface Parts {
  readonly held: Held
  readonly primary: Attached
  readonly sockets: Socket.Sockets
  readonly memberships: Memberships.Memberships
  readonly attaching: Attaching.Attaching
  readonly sources: Sources.Sources
  readonly options: Pick<Options, "interfaces">
  readonly choose: (system: System) => ReadonlyArray<Attachment>
}

/** Looks at the system once, and does what its changes call for. Reports faults; never fails. */
export const make = (scan: Interfaces["Service"]["scan"], parts: Parts): Effect.Effect<void> => {
  const { choose, held, memberships, primary, sockets: { report }, sources } = parts
  const change = changer(parts)
  const reportLeftOut = leftOutReporter(parts)
  reportLeftOut()
  const followTo = Effect.fn("Datagrams.follow")(function*(wanted: ReadonlyArray<Attachment>) {
    takeFlaws(held)
    if (primary.networkInterface === noInterface) yield* settle(parts, wanted)
    const before = [...held.attached]
    // While there is no interface at all there is nothing to compare.
    const found = primary.networkInterface === noInterface ? [] : changes(before.map(toChanges), wanted, held.system)
    for (const one of found) yield* change.make(one, before)
    yield* memberships.joinAll(() => Effect.void)
    sources.renew()
    reportLeftOut()
  })
  let isUnknown = false
  return Effect.matchEffect(scan, {
    // A look that failed shows no change.
    onFailure: (failed) =>
      Effect.sync(() => {
        if (!isUnknown) report(failed)
        isUnknown = true
      }),
    onSuccess: (system) =>
      Effect.suspend(() => {
        if (isUnknown) report(news("the interfaces of this host are known again"))
        isUnknown = false
        const isSettled = primary.networkInterface !== noInterface && !change.isRefused() && memberships.isComplete()
        return system === held.system && isSettled ? Effect.void : followTo(choose(system))
      })
  })
}

// internal

/** The flaws of an address may have changed while its socket stays. */
const takeFlaws = ({ attached, system }: Held): void => {
  for (const one of attached) {
    const now = system.addresses.find(({ address, name }) =>
      address === one.networkInterface.address && name === one.networkInterface.name
    )
    if (now !== undefined && now.flaw !== one.networkInterface.flaw) {
      one.networkInterface = { ...one.networkInterface, flaw: now.flaw }
    }
  }
}

/** The first interface that comes where there was none at all becomes the primary one's. */
const settle = Effect.fnUntraced(function*(
  { attaching, memberships, primary, sockets }: Parts,
  wanted: ReadonlyArray<Attachment>
) {
  const next = wanted.find((one) => one.interface.flaw !== "tentative")
  if (next === undefined) return
  primary.group = next.group
  primary.networkInterface = next.interface
  primary.present = true
  yield* memberships.join(primary).pipe(Effect.catch(sockets.reported))
  sockets.report(changed(next.interface, "came"))
  yield* attaching.keep(primary)
})

/** Makes changes. `isRefused`: the system refused an address when we tried it last. */
const changer = ({ attaching, held, memberships, sockets: { report, reported } }: Parts) => {
  const refused = new Set<string>()
  const move = Effect.fnUntraced(function*(one: Attached, to: SystemInterface) {
    yield* memberships.leave(one)
    one.networkInterface = to
    one.present = true
    // A link that went and came may have forgotten its groups, and its address may be another.
    yield* memberships.join(one).pipe(Effect.catch(reported))
    const back = changed(to, "is back")
    // Where it is not open, its fiber is about to try again.
    if (one.opened === undefined) report(back)
    else Socket.reopen(one.opened, back)
  })
  const add = Effect.fnUntraced(function*(wanted: Attachment) {
    const { group, interface: networkInterface } = wanted
    const key = `${group} ${networkInterface.name} ${networkInterface.address}`
    const added = yield* Effect.result(attaching.add(wanted))
    if (Result.isSuccess(added)) {
      refused.delete(key)
      return report(changed(networkInterface, "came"))
    }
    if (!refused.has(key)) yield* attaching.reportUnlessTentative(wanted)(added.failure)
    refused.add(key)
  })
  const lose = Effect.fnUntraced(function*(one: Attached, isOver: boolean) {
    report(changed(one.networkInterface, "is gone"))
    one.present = false
    if (isOver) yield* attaching.detach(one)
    const isShared = onDevice(held, one.group, one.networkInterface).some(({ present }) => present)
    if (!isShared) yield* memberships.leave(one)
  })
  return {
    isRefused: () => refused.size > 0,
    /** `before` are those that the numbers of changes refer to. */
    make: (change: Change, before: ReadonlyArray<Attached>): Effect.Effect<void> => {
      if (change._tag === "Came") return add(change.attachment)
      const one = before[change.held]!
      return change._tag === "Moved" ? move(one, change.to) : lose(one, change._tag === "Ended")
    }
  }
}

/** Reports, where that is news, which interfaces were left out though there is nothing but the loopback. */
const leftOutReporter = ({ held, options, sockets, sources }: Parts): () => void => {
  const families = held.groups.map(({ multicastGroup }) => multicastGroup.family)
  let last = ""
  return () => {
    const used = sources.all().map(({ networkInterface }) => networkInterface)
    const left = leftOut({ system: held.system, named: options.interfaces }, used, families)
    if (left !== "" && left !== last) sockets.report(news(`only the loopback is used: ${left}`))
    last = left
  }
}
