/** Asks the server whose view is shown what it sees, by its HTTP API, for as long as it is shown. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as Scope from "effect/Scope"
import * as Seen from "../../status/terminal/Seen.ts"
import * as StatusClient from "../../StatusClient.ts"

/** How often, and how long it has to answer: a server that is frozen does not. */
const every = Duration.millis(250)
const patience = Duration.seconds(1)

interface Watched {
  readonly name: string
  readonly page: string
}

/** What a server sees now; null where it does not answer. */
const ask = ({ page }: Watched) =>
  StatusClient.make({ url: page }).pipe(
    Effect.flatMap(({ group }) => group.status()),
    Effect.timeout(patience),
    Effect.map((status) => Seen.ofStatus(status, { group: status.group, where: page, few: null })),
    Effect.orElseSucceed(() => null),
    Effect.provide(FetchHttpClient.layer)
  )

/** Until the scope closes. `watched` is the server to ask, if any. */
export const run = (
  watched: () => Watched | undefined,
  saw: (name: string, seen: Seen.Seen | null) => void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const one = watched()
    return one === undefined
      ? Effect.void
      : Effect.map(ask(one), (seen) => saw(one.name, seen))
  }).pipe(
    Effect.andThen(Effect.sleep(every)),
    Effect.forever,
    Effect.forkScoped,
    Effect.asVoid
  )
