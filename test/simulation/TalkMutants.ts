/** Faults in how members talk, each seen by the trials of it. */
import * as HashMap from "effect/HashMap"
import type * as Handling from "../../src/protocol/talk/Handling.ts"
import type * as Parts from "../../src/protocol/talk/Parts.ts"
import type * as Peers from "../../src/protocol/talk/Peers.ts"
import type * as ReplayWindow from "../../src/protocol/wire/ReplayWindow.ts"
import type { Promised } from "../protocol/harness/TalkTrial.ts"
import * as Mutants from "./Mutants.ts"
import * as Mutations from "./Mutations.ts"

const { replacing } = Mutants

/** Each with what it breaks. */
export const mutants: ReadonlyArray<Mutants.Mutant & { readonly breaks: Promised }> = [
  {
    name: "what is said is heard as often as it comes",
    replace: [replacing<typeof ReplayWindow>("wire/ReplayWindow.ts", { admit: () => (window) => window })],
    breaks: "heardOnce"
  },
  {
    name: "a question that comes again is handled again",
    replace: [
      replacing<typeof Peers>("talk/Peers.ts", {
        find: (find) => (context, from) => {
          const found = find(context, from)
          return found === null ? null : { ...found, peer: { ...found.peer, questions: [] } }
        }
      })
    ],
    breaks: "handledOnce"
  },
  {
    name: "a question that is over may come again",
    mutate: Mutations.leaving(({ after }) => ({
      ...after,
      talk: { ...after.talk, peers: HashMap.map(after.talk.peers, (peer) => ({ ...peer, oldest: 0 })) }
    })),
    breaks: "handledOnce"
  },
  {
    name: "a question to a former start is handled",
    mutate: Mutations.taking((input, { self }) =>
      input._tag === "Received" && input.message.type === "QUESTION"
        ? { ...input, message: { ...input.message, to: { id: self.id, incarnation: self.incarnation } } }
        : input
    ),
    breaks: "handledOnce"
  },
  {
    name: "one that does not lead answers as the leader",
    replace: [
      replacing<typeof Handling>("talk/Handling.ts", {
        begin: (begin) => (context, question) => begin(context, { ...question, lead: false })
      })
    ],
    breaks: "leaderHandles"
  },
  {
    name: "parts are put together in the order in which they come",
    replace: [
      replacing<typeof Parts>("talk/Parts.ts", {
        add: (add) => (collected, part, of, text) => {
          const next = collected.parts.indexOf(undefined)
          return add(collected, next < 0 ? part : next, of, text)
        }
      })
    ],
    breaks: "answersBelong"
  },
  {
    name: "an answer is taken from anyone who sends one",
    mutate: Mutations.taking((input, { self, talk }) => {
      if (input._tag !== "Received" || input.message.type !== "ANSWER") return input
      const newest = [...HashMap.values(talk.asks)].find(({ to }) => to !== null && to.id !== self.id)
      return newest === undefined || newest.to === null
        ? input
        : { ...input, message: { ...input.message, from: newest.to, to: newest.from, seq: newest.number } }
    }),
    breaks: "answersBelong"
  }
]
