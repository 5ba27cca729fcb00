/** The fenced store on a host of its own: says in lines where it is, and each write as it comes. */
import * as Effect from "effect/Effect"
import { fencedStoreAt } from "../backend/FencedStore.ts"

const tell = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)

const store = Effect.gen(function*() {
  const { url } = yield* fencedStoreAt(process.env["IP"]!, tell)
  tell({ url })
  return yield* Effect.never
})

void Effect.runPromise(Effect.scoped(store))
