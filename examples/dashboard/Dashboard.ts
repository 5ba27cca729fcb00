/**
 * A dashboard of a group, in a process that is none of it: a line for each change, and one for each server that is gone. Nobody
 * in the group sees it, and where multicast works it says nothing.
 */
import { Observer } from "bellwether"
import { Console, Effect, Stream } from "effect"

/** The group in one line: the leader has a star. */
const line = ({ isFollowed, members, reign }: Observer.View): string => {
  const names = members.map(({ id, name }) => id === reign?.leader.id ? `${name}*` : name)
  const leads = reign === null ? ", nobody leads" : ""
  // What was seen last may be out of date: it says so, and does not take anybody for gone.
  const count = names.length === 1 ? "1 server" : `${names.length} servers`
  return `${count}: ${names.join(" ")}${leads}${isFollowed ? "" : " (nothing is heard of them now)"}`
}

export const dashboard = Effect.gen(function*() {
  const observer = yield* Observer.Observer
  const show = Stream.runForEach(observer.changes, (view) => Console.log(line(view)))
  const alarm = Stream.runForEach(
    observer.events,
    (event) =>
      event.event === "MemberRemoved" && event.reason._tag !== "Left"
        ? Console.log(`ALARM: ${event.member.name} is gone without a word`)
        : Effect.void
  )
  return yield* Effect.raceFirst(Effect.all([show, alarm], { concurrency: 2, discard: true }), observer.failed)
})
