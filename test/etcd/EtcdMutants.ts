/** The rules of a group in etcd broken on purpose; see `TextMutants`. */
import type { TextMutant } from "../mutants/TextMutants.ts"

const gateway = (test: string) => ({ file: "etcd/Gateway.test.ts", test })
const registry = (test: string) => ({ file: "etcd/EtcdRegistry.test.ts", test })
const watch = (test: string) => ({ file: "etcd/EtcdWatch.test.ts", test })
const server = (test: string) => ({ file: "etcd/Etcd.test.ts", test })

export const mutants: ReadonlyArray<TextMutant> = [
  {
    name: "a question that was not carried out is asked nowhere else",
    file: "etcd/Gateway.ts",
    was: "(failed) => hasDoneNothing(failed) && tries > 1",
    is: "() => false",
    seenBy: gateway("goes to the next endpoint where one was not reached, and stays there")
  },
  {
    name: "a question that may have been carried out is asked again elsewhere",
    file: "etcd/Gateway.ts",
    was: "(failed) => hasDoneNothing(failed) && tries > 1",
    is: "() => tries > 1",
    seenBy: gateway(
      "of which nobody knows what came of it is not asked again, and the next one goes elsewhere (hangUp)"
    )
  },
  {
    name: "an endpoint that did not answer in time is asked on",
    file: "etcd/Gateway.ts",
    was: "Effect.onInterrupt(() => leave)",
    is: "Effect.onInterrupt(() => Effect.void)",
    seenBy: gateway("that is not answered may have been carried out, and the next one goes elsewhere")
  },
  {
    name: "an endpoint whose answer was lost is asked on",
    file: "etcd/Gateway.ts",
    was: "hasDoneNothing(failed) || failed.kind === \"Unknown\" ? leave",
    is: "hasDoneNothing(failed) ? leave",
    seenBy: gateway(
      "of which nobody knows what came of it is not asked again, and the next one goes elsewhere (timedOut)"
    )
  },
  {
    name: "each of those that fail at one endpoint goes one further",
    file: "etcd/Endpoints.ts",
    was: "if (endpoints[at] === endpoint) at",
    is: "if (endpoint !== \"\") at",
    seenBy: gateway("goes no further than to the next endpoint, however many fail at one")
  },
  {
    name: "whichever cluster answers is believed",
    file: "etcd/Gateway.ts",
    was: "return cluster === undefined || cluster === known",
    is: "return known !== null",
    seenBy: gateway("is refused where another cluster answers")
  },
  {
    name: "whichever cluster tells of changes is believed",
    file: "etcd/Gateway.ts",
    was: "Effect.as(sameCluster(endpoint, result.header?.cluster_id), result)",
    is: "Effect.succeed(result)",
    seenBy: watch("is refused where another cluster tells of changes")
  },
  {
    name: "the node that is asked tells of changes too",
    file: "etcd/Gateway.ts",
    was: "Endpoints.make(endpoints, 1)",
    is: "Endpoints.make(endpoints)",
    seenBy: watch("fails where it is cut, and the next one is at another endpoint, with a picture of its own")
  },
  {
    name: "a watch has any time to begin",
    file: "etcd/Gateway.ts",
    was: "yield* inTime(limit, () => endpoint, asked)",
    is: "yield* asked",
    seenBy: watch("that does not begin in the time of a question fails, and the next one is elsewhere")
  },
  {
    name: "what was not answered in time was not carried out",
    file: "etcd/EtcdFailed.ts",
    was: "kind: \"Unknown\", endpoint, detail: `no answer within",
    is: "kind: \"NotDone\", endpoint, detail: `no answer within",
    seenBy: gateway("that is not answered may have been carried out, and the next one goes elsewhere")
  },
  {
    name: "what etcd gave up was not carried out",
    file: "etcd/EtcdFailed.ts",
    was: "if (code === 8) return \"NotDone\"",
    is: "if (code === 8 || code === 14) return \"NotDone\"",
    seenBy: gateway(
      "of which nobody knows what came of it is not asked again, and the next one goes elsewhere (timedOut)"
    )
  },
  {
    name: "what a connection that ended was to carry is taken for never sent",
    file: "etcd/EtcdFailed.ts",
    was: "return found !== undefined && unsent.test(found.code)",
    is: "return found !== undefined || unsent.test('')",
    seenBy: gateway(
      "of which nobody knows what came of it is not asked again, and the next one goes elsewhere (hangUp)"
    )
  },
  {
    name: "what a node is too busy for is refused",
    file: "etcd/EtcdFailed.ts",
    was: "if (code === 8) return \"NotDone\"",
    is: "if (code === 8) return \"Refused\"",
    seenBy: gateway("that etcd does not take, having too much to do, goes to the next endpoint")
  },
  {
    name: "a token that etcd has forgotten is shown on",
    file: "etcd/Tokens.ts",
    was: "known === null || known === isVoid",
    is: "known === null",
    seenBy: gateway("become a token, which is got anew when etcd knows it no more")
  },
  {
    name: "each question that finds no token gets one of its own",
    file: "etcd/Tokens.ts",
    was: "known === null || known === isVoid",
    is: "known !== isVoid || known === isVoid",
    seenBy: gateway("are got a new token for once, however many ask at the same time")
  },
  {
    name: "a token is kept where a connection ended with no word",
    file: "etcd/Tokens.ts",
    was: "isHungUp === true ? forget(first) : Effect.void",
    is: "isHungUp === true ? Effect.void : Effect.void",
    seenBy: gateway("are shown again after a connection that ended with no word")
  },
  {
    name: "a renewal counts though etcd has changed its leader since",
    file: "etcd/EtcdSession.ts",
    was: "|| proved !== result.header.raft_term",
    is: "|| proved === undefined",
    seenBy: registry("counts for nothing where etcd's leader has changed before a majority was asked")
  },
  {
    name: "a renewal counts by the word of one node",
    file: "etcd/EtcdSession.ts",
    was: "const proved = yield* proof",
    is: "const proved = result.header.raft_term",
    seenBy: registry("is none where a majority does not say so, however often one node does")
  },
  {
    name: "a session lasts as long as was asked for, whatever etcd has granted",
    file: "etcd/EtcdSession.ts",
    was: "Math.min(ttl, Number(result.TTL)) * 1_000",
    is: "ttl * 1_000",
    seenBy: registry("lasts as long as etcd has granted, and no longer than was asked for")
  },
  {
    name: "the end of one session, heard late, ends the next one",
    file: "etcd/EtcdSession.ts",
    was: "if (typeof lease === \"object\" && lease.id === id) lease",
    is: "if (typeof lease === \"object\") lease",
    seenBy: registry("of the next session stands where a change learns late that the one before is over")
  },
  {
    name: "a session that its server ends takes along what another one has taken over",
    file: "etcd/EtcdSession.ts",
    was: "keys.slice(0, mostAtOnce).map((key) => ({ key, target",
    is: "keys.slice(0, 0).map((key) => ({ key, target",
    seenBy: registry("leaves what another one has taken over meanwhile")
  },
  {
    name: "a session that its server ends looks as if it had run out",
    file: "etcd/EtcdSession.ts",
    was: "{ request_put: { key: Answers.encoded(removals) } },",
    is: "",
    seenBy: registry("ends its own session as something that its server does")
  },
  {
    name: "the questions of a renewal have the time of one each",
    file: "etcd/EtcdRegistry.ts",
    was: "within(limit, \"renew\", session.renew)",
    is: "session.renew",
    seenBy: registry("has the time of one question for all that it asks")
  },
  {
    name: "a change is made whatever changed since it was decided",
    file: "etcd/EtcdRegistry.ts",
    was: "target: \"MOD\", result: \"EQUAL\", mod_revision: version",
    is: "target: \"CREATE\", result: \"EQUAL\", create_revision: version",
    seenBy: registry("refuses what was decided before the newest change of a key")
  },
  {
    name: "what is removed looks as if its session had run out",
    file: "etcd/EtcdRegistry.ts",
    was: "remove.length > 0 && put.length === 0 ?",
    is: "remove.length > 1 && put.length === 0 ?",
    seenBy: registry("tells what was removed from what was bound to a session that ended")
  },
  {
    name: "the keys of a group end where those of another have begun",
    file: "etcd/Answers.ts",
    was: "prefix.charCodeAt(prefix.length - 1) + 1",
    is: "prefix.charCodeAt(prefix.length - 1) + 2",
    seenBy: registry("keeps the groups apart, also where the name of one begins with that of another")
  },
  {
    name: "a watch misses the change after its picture",
    file: "etcd/EtcdWatch.ts",
    was: "String(revision + 1n)",
    is: "String(revision + 2n)",
    seenBy: registry("tells what is there, then each change with the session that a key is bound to")
  },
  {
    name: "a watch tells once more what its picture has",
    file: "etcd/EtcdWatch.ts",
    was: "String(revision + 1n)",
    is: "String(revision)",
    seenBy: registry("tells what is there, then each change with the session that a key is bound to")
  },
  {
    name: "a watch that etcd has ended is listened to on",
    file: "etcd/EtcdWatch.ts",
    was: "if (canceled === true) {",
    is: "if (canceled !== canceled) {",
    seenBy: watch("that asks for what etcd has forgotten fails, and is hung up")
  },
  {
    name: "what somebody removed by hand looks as if its session had run out",
    file: "etcd/EtcdWatch.ts",
    was: "session === null || withPuts.has(revisionOf(event))",
    is: "withPuts.has(revisionOf(event))",
    seenBy: watch("tells what somebody has removed by hand as removed")
  },
  {
    name: "a watch is cut that is behind for once",
    file: "etcd/EtcdWatch.ts",
    was: "if (isBehind && progress.behindAt === progress.told)",
    is: "if (isBehind)",
    seenBy: watch("cuts a watch that does not tell of a change, at the second renewal")
  },
  {
    name: "a watch that misses removals is listened to on",
    file: "etcd/EtcdWatch.ts",
    was: " || Number(count) !== progress.sessions.size",
    is: "",
    seenBy: watch("cuts a watch that does not tell of the end of a session, at the second renewal")
  },
  {
    name: "a part of the keys is taken for all",
    file: "etcd/EtcdWatch.ts",
    was: "more === true ? Effect.fail",
    is: "more === null ? Effect.fail",
    seenBy: watch("is refused where there is more than a group has")
  },
  {
    name: "a fence is given to a reign that is over",
    file: "etcd/Fences.ts",
    was: "lead !== null && lead.term === reign.term &&",
    is: "lead !== null &&",
    seenBy: server("gives a fence of the leader's key to leading work, of that reign alone")
  },
  {
    name: "a fence is of the newest change of the leader's key",
    file: "etcd/Fences.ts",
    was: "found?.create_revision",
    is: "found?.mod_revision",
    seenBy: server("gives no fence where the key is another leader's of the same term, and one of when it was made")
  },
  {
    name: "a version that ends leases early is taken for a good one",
    file: "etcd/EtcdVersion.ts",
    was: "minor === 4 && patch < 31",
    is: "minor === 4 && patch < 13",
    seenBy: server("warns of a version that may end leases early, and of no other")
  },
  {
    name: "a version with no gateway is taken for one whose gateway is off",
    file: "etcd/EtcdVersion.ts",
    was: "major === 3 && minor >= 4)",
    is: "major === 3 && minor >= 3)",
    seenBy: server("fails where no gateway answers, and where the version is too old for one")
  }
]
