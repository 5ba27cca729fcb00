/**
 * Carts of customers, kept in memory: each customer has a server that owns its cart, and all servers agree which. When a
 * server comes or goes only the carts move that it takes over or leaves behind.
 */
import { Group } from "bellwether"
import { Console, Effect, Stream } from "effect"

export const customers = Array.from({ length: 12 }, (_, at) => `customer ${at + 1}`)

/** Says which carts this server opens and closes. */
export const carts = Effect.gen(function*() {
  const group = yield* Group.Group
  const self = yield* group.self
  const isHere = (owners: Group.Moved["before"]) => owners.some(({ id }) => id === self.id)
  // A server that has just started sees nobody yet: it would open all carts.
  yield* Effect.sleep(group.settings.discoveryWindow)
  const follow = Stream.runForEach(
    group.moved(customers),
    (moved) =>
      Effect.forEach(moved, ({ after, before, key }) => {
        if (isHere(after)) return Console.log(`${self.name} opens the cart of ${key}`)
        return isHere(before) ? Console.log(`${self.name} closes the cart of ${key}`) : Effect.void
      }, { discard: true })
  )
  return yield* Effect.raceFirst(follow, group.failed)
})

/** Where a request for a customer is to go. */
export const serverOf = (customer: string) =>
  Effect.gen(function*() {
    const { owner } = yield* Group.Group
    return yield* owner(customer)
  })
