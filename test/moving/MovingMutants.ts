/** The rules of a server with two backends broken on purpose; see `TextMutants`. */
import type { TextMutant } from "../mutants/TextMutants.ts"

export const mutants: ReadonlyArray<TextMutant> = [
  {
    name: "the term of a leader is not known before its key is shown",
    file: "registry/Enclosing.ts",
    was: "Math.max(Mirror.term(state.mirror, name)?.read ?? 0, RegistryState.election(state, name)?.last?.term ?? 0)",
    is: "Mirror.term(state.mirror, name)?.read ?? 0",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "makes the one around of no use when it is over, and when another has led here since"
    }
  },
  {
    name: "the terms that were led in are those of the leaders that were seen",
    file: "registry/Enclosing.ts",
    was: "Math.max(Mirror.term(state.mirror, name)?.read ?? 0, RegistryState.election(state, name)?.last?.term ?? 0)",
    is: "RegistryState.election(state, name)?.last?.term ?? 0",
    seenBy: { file: "backend/Enclosing.test.ts", test: "takes it in no term that was led in here, nor in a lower one" }
  },
  {
    name: "a reign in the second goes on without one in the first",
    file: "registry/Enclosing.ts",
    was: "!context.state.isEnclosed || context.election(name).enclosing === term",
    is: "true",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "ends what it leads here when the one around ends, or goes on in another term"
    }
  },
  {
    name: "a reign in the second goes on within a later one in the first",
    file: "registry/Enclosing.ts",
    was: "context.election(name).enclosing === term",
    is: "context.election(name).enclosing !== null",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "ends what it leads here when the one around ends, or goes on in another term"
    }
  },
  {
    name: "a server would lead the second in the term that was led in last",
    file: "registry/Enclosing.ts",
    was: "enclosing > newestTerm",
    is: "enclosing >= newestTerm",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "says that it would take it in a term that is above these alone"
    }
  },
  {
    name: "a server would lead the second without a reign in the first",
    file: "registry/Enclosing.ts",
    was: "enclosing !== null && enclosing >",
    is: "enclosing === null || enclosing >",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "does not take the lead without one, and says that it would not"
    }
  },
  {
    name: "a reign in the first is of use after that in the second is over",
    file: "registry/Enclosing.ts",
    was: "election.enclosing <= term",
    is: "election.enclosing < term",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "makes the one around of no use when it is over, and when another has led here since"
    }
  },
  {
    name: "a reign in the first is given up by what a watch showed that is cut off",
    file: "registry/Enclosing.ts",
    was: " || !state.isWatching",
    is: "",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "makes the one around of no use when it is over, and when another has led here since"
    }
  },
  {
    name: "a reign in the first is of no use while the second is led",
    file: "registry/Enclosing.ts",
    was: "election.own === null && ",
    is: "",
    seenBy: {
      file: "backend/Enclosing.test.ts",
      test: "makes the one around of no use when it is over, and when another has led here since"
    }
  },
  {
    name: "who leads in the first leads, whoever leads in the second",
    file: "moving/Joining.ts",
    was: "second ?? (first === null",
    is: "(first ?? second) ?? (first === null",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "follows who leads in the first alone, as long as that one is not in both"
    }
  },
  {
    name: "who leads in the first leads, though it is in both",
    file: "moving/Joining.ts",
    was: "first === null || isInBoth(first.leader.id) ? null : first",
    is: "first",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "follows who leads in the first alone, as long as that one is not in both"
    }
  },
  {
    name: "who leads in the first alone does not lead",
    file: "moving/Joining.ts",
    was: "second ?? (first === null || isInBoth(first.leader.id) ? null : first)",
    is: "second",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "follows who leads in the first alone, as long as that one is not in both"
    }
  },
  {
    name: "each of the two tells who comes and goes",
    file: "moving/Joining.ts",
    was: "return !isKnownToOther(event.member.id)",
    is: "return true",
    seenBy: { file: "moving/Joining.test.ts", test: "tells once who comes, and who goes when it is in neither" }
  },
  {
    name: "each of the two tells what a member of both has changed",
    file: "moving/Joining.ts",
    was: "return from === \"first\" || !isKnownToOther(event.after.id)",
    is: "return true",
    seenBy: { file: "moving/Joining.test.ts", test: "tells one start and one end of this server, and its changes once" }
  },
  {
    name: "each of the two tells the start and the end of this server",
    file: "moving/Joining.ts",
    was: "return from === \"first\"\n",
    is: "return true\n",
    seenBy: { file: "moving/Joining.test.ts", test: "tells one start and one end of this server, and its changes once" }
  },
  {
    name: "a later reign of the same leader is not told",
    file: "moving/Joining.ts",
    was: "(after.leader === null || before.term === after.term)",
    is: "true",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "tells each reign of one leader, and of its end what the one says that told of it"
    }
  },
  {
    name: "this server is shown as another member, too",
    file: "moving/Joining.ts",
    was: "  others.delete(self.id)\n",
    is: "",
    seenBy: { file: "moving/Joining.test.ts", test: "tells once who comes, and who goes when it is in neither" }
  },
  {
    name: "a member of both is shown as the second does",
    file: "moving/Joining.ts",
    was: "[...second.members, ...first.members]",
    is: "[...first.members, ...second.members]",
    seenBy: { file: "moving/Joining.test.ts", test: "shows a member of both as the first does" }
  },
  {
    name: "a change of the leader does not change the view",
    file: "moving/Joining.ts",
    was: "before.self === after.self && before.told === after.told",
    is: "before.self === after.self",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "shows anew what is seen of the group, and nothing where that is the same"
    }
  },
  {
    name: "what this server changes of itself is not shown to it",
    file: "moving/Joining.ts",
    was: "isOfSelf ? { ...after, self: event.after } : after",
    is: "after",
    seenBy: { file: "moving/Joining.test.ts", test: "tells one start and one end of this server, and its changes once" }
  },
  {
    name: "why nobody leads is not told",
    file: "moving/Joining.ts",
    was: "return said ?? { ...before",
    is: "return { ...before",
    seenBy: {
      file: "moving/Joining.test.ts",
      test: "tells each reign of one leader, and of its end what the one says that told of it"
    }
  },
  {
    name: "the view is as it was at the start",
    file: "moving/JoinedEvents.ts",
    was: "if (!isSame) view.set(Joining.view(after))",
    is: "if (isSame) view.set(Joining.view(after))",
    seenBy: {
      file: "moving/JoinedEvents.test.ts",
      test: "tells an app what it shows it, in one order, whichever of the two has told it"
    }
  },
  {
    name: "reigns of two terms are one",
    file: "moving/BothBackend.ts",
    was: "one?.term !== undefined && one.term === other?.term",
    is: "one?.term !== undefined && other !== null",
    seenBy: { file: "moving/BothBackend.test.ts", test: "leads what it leads in both, in one term" }
  },
  {
    name: "who leads in the first leads",
    file: "moving/BothBackend.ts",
    was: "one?.term !== undefined && one.term === other?.term",
    is: "one?.term !== undefined",
    seenBy: { file: "moving/BothBackend.test.ts", test: "leads what it leads in both, in one term" }
  },
  {
    name: "who leads in the second leads",
    file: "moving/BothBackend.ts",
    was: "one?.term !== undefined && one.term === other?.term",
    is: "other !== null",
    seenBy: { file: "moving/BothBackend.test.ts", test: "leads what it leads in both, in one term" }
  },
  {
    name: "work runs while the first is led",
    file: "moving/BothBackend.ts",
    was: "owns.set(inBoth(told.first, told.second))",
    is: "owns.set(told.first)",
    seenBy: { file: "moving/BothBackend.test.ts", test: "leads what it leads in both, in one term" }
  },
  {
    name: "work runs while the second is led",
    file: "moving/BothBackend.ts",
    was: "owns.set(inBoth(told.first, told.second))",
    is: "owns.set(told.second)",
    seenBy: { file: "moving/BothBackend.test.ts", test: "leads what it leads in both, in one term" }
  },
  {
    name: "the second does not hear of the end of a reign in the first",
    file: "moving/BothBackend.ts",
    was: "if (from === \"first\") yield* enclose(pair, reigns)",
    is: "if (from === \"first\" && reigns.size > 0) yield* enclose(pair, reigns)",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "leads in the second within each reign of the first, as long as that lasts"
    }
  },
  {
    name: "named elections are not led in the second",
    file: "moving/BothBackend.ts",
    was: "      elections,\n",
    is: "      elections.slice(0, 1),\n",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "leads in the second within each reign of the first, as long as that lasts"
    }
  },
  {
    name: "what one has lost the other has, though it may not",
    file: "moving/BothBackend.ts",
    was: "since: Math.max(one.since, other.since)",
    is: "since: Math.min(one.since, other.since)",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "has marks kept by both, knows what either does, and not what either may have lost"
    }
  },
  {
    name: "the first alone keeps marks",
    file: "moving/BothBackend.ts",
    was: "Effect.zipWith(one.mark(job, mark), other.mark(job, mark), known, { concurrent: true })",
    is: "one.mark(job, mark)",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "has marks kept by both, knows what either does, and not what either may have lost"
    }
  },
  {
    name: "a server leaves an election in the first alone",
    file: "moving/BothBackend.ts",
    was: "      yield* first.backend.step(input)\n      return yield* second.backend.step(input)",
    is: "      return yield* first.backend.step(input)",
    seenBy: { file: "moving/BothBackend.test.ts", test: "enters and leaves an election in both, if both have room" }
  },
  {
    name: "the room of the second is not looked at",
    file: "moving/BothBackend.ts",
    was: "(one, other) => one && other)",
    is: "(one) => one)",
    seenBy: { file: "moving/BothBackend.test.ts", test: "enters and leaves an election in both, if both have room" }
  },
  {
    name: "the lead is handed over in the first alone",
    file: "moving/BothBackend.ts",
    was: "(refusal === null ? first : second)",
    is: "first",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "hands the lead over in the first, or in the second where the first does not know the other server"
    }
  },
  {
    name: "the lead cannot be handed to one that the second alone knows",
    file: "moving/BothBackend.ts",
    was: "return refusals.includes(null) ? null",
    is: "return refusals[0] === null ? null",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "hands the lead over in the first, or in the second where the first does not know the other server"
    }
  },
  {
    name: "a reign in the first goes on that is of no use",
    file: "moving/BothBackend.ts",
    was: "yield* first.backend.step({ _tag: \"Resign\", election })",
    is: "",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "gives up a reign in the first that the second has passed, and has the next one above that"
    }
  },
  {
    name: "the next reign in the first is of no use either",
    file: "moving/BothBackend.ts",
    was: "        yield* first.heard(election, term)\n",
    is: "",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "gives up a reign in the first that the second has passed, and has the next one above that"
    }
  },
  {
    name: "a server that does not reach the second keeps the lead of the first",
    file: "moving/BothBackend.ts",
    was: "yield* first.backend.step({ _tag: \"StepDown\", election, millis: enclosed.leaseDuration })",
    is: "",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "lets others lead the first for a while, once it has not reached the second for a lease"
    }
  },
  {
    name: "a server gives up the first at once when it does not reach the second",
    file: "moving/BothBackend.ts",
    was: "if (now - since < enclosed.leaseDuration) continue",
    is: "",
    seenBy: {
      file: "moving/BothBackend.test.ts",
      test: "lets others lead the first for a while, once it has not reached the second for a lease"
    }
  },
  {
    name: "a server is well though it does not reach the second",
    file: "moving/BothGroup.ts",
    was: "healthy: one.healthy && other.healthy",
    is: "healthy: one.healthy",
    seenBy: { file: "moving/moving.test.ts", test: "is as well as both, and its status says who leads in both" }
  },
  {
    name: "the status says who leads the first",
    file: "moving/BothGroup.ts",
    was: "leads: own !== null,",
    is: "",
    seenBy: { file: "moving/moving.test.ts", test: "is as well as both, and its status says who leads in both" }
  },
  {
    name: "the tags are changed in the first alone",
    file: "moving/BothGroup.ts",
    was: "Effect.andThen(one.setTags(tags), other.setTags(tags))",
    is: "one.setTags(tags)",
    seenBy: {
      file: "moving/moving.test.ts",
      test: "changes its priority and its tags for those who have one of them, too"
    }
  },
  {
    name: "the priority is changed in the first alone",
    file: "moving/BothGroup.ts",
    was: "Effect.andThen(one.setPriority(priority), other.setPriority(priority))",
    is: "one.setPriority(priority)",
    seenBy: {
      file: "moving/moving.test.ts",
      test: "changes its priority and its tags for those who have one of them, too"
    }
  },
  {
    name: "a group on a LAN is taken for the second",
    file: "moving/Moving.ts",
    was: "if (enclosed === null) return yield* refused",
    is: "if (enclosed === undefined) return yield* refused",
    seenBy: { file: "moving/moving.test.ts", test: "are refused where the second is a LAN" }
  },
  {
    name: "the two may give work different times to end",
    file: "registry/RegistryPart.ts",
    was: "if (!Duration.equals(stopTimeout, works.stopTimeout))",
    is: "if (stopTimeout === undefined)",
    seenBy: { file: "moving/moving.test.ts", test: "is refused where the times for work to end differ" }
  },
  {
    name: "the second leads by itself",
    file: "registry/RegistryServer.ts",
    was: "isEnclosed: around !== null",
    is: "isEnclosed: false",
    seenBy: { file: "moving/moving.test.ts", test: "that does not reach its registry lets one lead that needs none" }
  },
  {
    name: "the second does not wait for the end of work",
    file: "registry/RegistryServer.ts",
    was: "around === null ? LeadingWork.makeAll(settings.stopTimeout) : around.works",
    is: "LeadingWork.makeAll(settings.stopTimeout)",
    seenBy: { file: "moving/moving.test.ts", test: "lets nobody lead the second before its work has ended" }
  }
]
