/** Faults in how what is refused is given up, each seen by the trials of publishing. */
import type * as Flights from "../../src/protocol/delivery/Flights.ts"
import type * as Refusals from "../../src/protocol/delivery/Refusals.ts"
import type { Promised } from "../protocol/harness/PublishTrial.ts"
import * as Mutants from "./Mutants.ts"

const { replacing } = Mutants

/** Each with what it may break first. */
export const mutants: ReadonlyArray<Mutants.Mutant & { readonly breaks: ReadonlyArray<Promised> }> = [
  {
    name: "a refused message keeps its number",
    replace: [
      replacing<typeof Flights>("delivery/Flights.ts", {
        giveUp: (giveUp) => (all, ticket, now) => giveUp(all, ticket, now, false)
      })
    ],
    breaks: ["nothingIsMissed", "acknowledgedIsRelayed"]
  },
  {
    name: "the number of what a former leader may have relayed is given to another message",
    replace: [
      replacing<typeof Flights>("delivery/Flights.ts", {
        giveUp: (giveUp) => (all, ticket, now) => {
          const flights = all.flights.map((flight) => ({ ...flight, isSaid: false, wasSaid: false }))
          return giveUp({ ...all, flights }, ticket, now, true)
        }
      })
    ],
    breaks: ["refusedIsNotRelayed", "acknowledgedIsRelayed"]
  },
  {
    name: "the refusal of a later part ends those before it too",
    replace: [
      replacing<typeof Flights>("delivery/Flights.ts", {
        refusedBy: () => ({ flights }, { seq }) => flights.find((flight) => flight.seq === seq)
      })
    ],
    breaks: ["refusedIsNotRelayed", "acknowledgedIsRelayed"]
  },
  {
    name: "what was sent before a refusal was heard of is accepted",
    replace: [replacing<typeof Refusals>("delivery/Refusals.ts", { isLate: () => () => false })],
    breaks: ["receivedOnce", "inOrder", "publishingEnds", "acknowledgedIsRelayed"]
  },
  {
    name: "what waits under a number from before a refusal is accepted",
    replace: [
      replacing<typeof Refusals>("delivery/Refusals.ts", {
        heard: (heard) => (known, message) => ({ ...heard(known, message), waiting: known.waiting })
      })
    ],
    breaks: ["inOrder", "receivedOnce", "acknowledgedIsRelayed"]
  }
]
