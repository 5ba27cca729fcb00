/** Faults in how commands are carried out and answered, each seen by the trials of it. */
import type * as Commands from "../../src/protocol/Commands.ts"
import type { Parts, Promised } from "../protocol/harness/CommandTrial.ts"
import * as Mutants from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

const { replacing } = Mutants

/** Each with what it breaks. */
export const mutants: ReadonlyArray<
  Mutants.Mutant & Pick<Parts, "isAllowed" | "isAnswer"> & { readonly breaks: Promised }
> = [
  {
    name: "a command that comes again is carried out again",
    mutate: Mutations.from((state) => ({
      ...state,
      commands: state.commands.filter(({ outcome }) => outcome === null)
    })),
    breaks: "doneOnce"
  },
  {
    name: "a command without a key from beyond loopback is obeyed",
    isAllowed: (_, { hasKey, isSealed }) => isSealed || !hasKey,
    breaks: "refusedIsNotDone"
  },
  {
    name: "a command that is not sealed is obeyed where the group has a key",
    isAllowed: (from, { isSealed }) => isSealed || from.ip === "127.0.0.1",
    breaks: "refusedIsNotDone"
  },
  {
    name: "a member that is to be evicted is not asked first",
    replace: [
      replacing<typeof Commands>("Commands.ts", {
        evictDue: (evictDue) => (context, evicting) => evictDue(context, { ...evicting, left: 0 })
      })
    ],
    breaks: "askedFirst"
  },
  {
    name: "a member that is to be evicted and answers is removed all the same",
    replace: [
      replacing<typeof Commands>("Commands.ts", {
        evictDue: (evictDue) => (context, evicting) => evictDue(context, { ...evicting, since: Infinity })
      })
    ],
    breaks: "aliveStays"
  },
  {
    name: "a late answer to another command is believed",
    isAnswer: (message) => message.type === "COMMAND_DONE",
    breaks: "answersBelong"
  }
]
