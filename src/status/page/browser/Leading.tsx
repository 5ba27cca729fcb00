/** Who leads, the lease as it runs down, and what can be done about it. */
import { useEffect, useState } from "preact/hooks"
import * as Evidence from "../Evidence.ts"
import * as Model from "../Model.ts"
import { Ask } from "./Ask.tsx"
import type { Question } from "./Ask.tsx"

const activities = {
  Idle: "",
  Pending: "This server is about to stand for election.",
  Standing: "This server stands for election.",
  Waiting: "A server of higher rank has objected: this one waits for it.",
  PreVote: "This server asks whether it would be voted for."
} as const

const LeaseBar = ({ lease, model }: { readonly lease: Model.Lease; readonly model: Model.Model }) => {
  const [, turn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => turn((count) => count + 1), 100)
    return () => clearInterval(timer)
  }, [])
  const left = Math.max(0, lease.left - (performance.now() - model.statusAt))
  const part = model.leaseFull === 0 ? 0 : Math.min(1, left / model.leaseFull)
  const nameOf = (id: string) => Model.memberOf(model, id)?.name ?? id
  const says = lease.isOwn
    ? `It holds the lease for ${Evidence.seconds(left)} more unless it is renewed.`
    : `This server has promised to follow ${nameOf(lease.of)} for ${Evidence.seconds(left)} more.`
  return (
    <div class="lease">
      <p>{says}</p>
      <div class="bar" aria-hidden="true">
        <i style={{ transform: `scaleX(${part})` }} />
      </div>
      {lease.isOwn && (
        <ul class="votes" aria-label="Votes">
          {[Model.seenElection(model)?.reign?.leader.id ?? lease.of, ...lease.votes].filter((id, index, all) =>
            all.indexOf(id) === index
          ).map((id) => (
            <li key={id} class={lease.acknowledged.includes(id) || id === lease.of ? "acknowledged" : ""}>
              {nameOf(id)}
              {id === lease.of
                ? " votes for itself"
                : lease.acknowledged.includes(id)
                ? " has voted and renewed"
                : " has voted"}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const query = (election: string): string => election === "" ? "" : `?election=${encodeURIComponent(election)}`

const resign = (election: string): Question => ({
  title: "Resign?",
  text: "This server gives the lead up. Another is elected, and this one may lead again later.",
  confirm: "Resign",
  path: `api/leadership/resign${query(election)}`,
  body: () => undefined
})

const stepDown = (election: string): Question => ({
  title: "Step down for a while?",
  text: "This server does not lead meanwhile, even where nobody else does.",
  confirm: "Step down",
  path: `api/leadership/step-down${query(election)}`,
  body: (choice) => ({ for: choice }),
  choices: {
    label: "For",
    of: [["1 minute", "1 minute"], ["5 minutes", "5 minutes"], ["30 minutes", "30 minutes"], ["4 hours", "4 hours"]]
  }
})

const transfer = (election: string, model: Model.Model): Question => ({
  title: "Transfer the lead?",
  text: "This server gives the lead up so that the chosen one takes it.",
  confirm: "Transfer",
  path: `api/leadership/transfer${query(election)}`,
  body: (choice) => ({ to: choice }),
  choices: {
    label: "To",
    of: (model.status?.members ?? []).filter(({ id }) => id !== model.status?.self.id).map(({ id, name }) => [id, name])
  }
})

const Actions = ({ model, seen }: { readonly model: Model.Model; readonly seen: Seen }) => {
  const [question, setQuestion] = useState<Question | null>(null)
  const [done, setDone] = useState("")
  const ask = (question: Question) => () => {
    setDone("")
    setQuestion(question)
  }
  const isAlone = (model.status?.members.length ?? 0) < 2
  return (
    <>
      <div class="buttons">
        <button type="button" disabled={!seen.leads} onClick={ask(resign(seen.name))}>Resign</button>
        <button type="button" onClick={ask(stepDown(seen.name))}>Step down</button>
        <button type="button" disabled={!seen.leads || isAlone} onClick={ask(transfer(seen.name, model))}>
          Transfer
        </button>
      </div>
      <p class="hint" role="status">
        {done !== "" ? done : seen.leads ? "" : "Only the leader can resign or transfer the lead."}
      </p>
      {question !== null && (
        <Ask
          question={question}
          onClose={(isDone) => {
            setQuestion(null)
            if (isDone) setDone(`Done: ${question.confirm.toLowerCase()}.`)
          }}
        />
      )}
    </>
  )
}

type Seen = NonNullable<ReturnType<typeof Model.seenElection>>

/** Why the reign began, from the past. */
const why = ({ history }: Model.Model, seen: Seen): string => {
  const index = history?.reigns.findLastIndex(({ election }) => election === seen.name) ?? -1
  const last = history?.reigns[index]
  if (last === undefined) return ""
  return Evidence.selected({ ...Model.empty, history, selected: { kind: "reign", index } })?.text ?? ""
}

export const Leading = ({ model }: { readonly model: Model.Model }) => {
  const seen = Model.seenElection(model)
  const lease = Model.leaseOf(model)
  if (seen === null || model.status === null) return null
  const { reign } = seen
  const leader = reign === null ? null : Model.memberOf(model, reign.leader.id)
  return (
    <section class="leading" aria-labelledby="leading">
      <h2 id="leading">Leader</h2>
      <p class="who">{leader?.name ?? reign?.leader.id ?? "Nobody leads"}</p>
      <p>
        {seen.vacant !== null ? `For ${Evidence.seconds(seen.vacant)}. ` : ""}
        {why(model, seen)}
      </p>
      {activities[seen.activity] !== "" && <p>{activities[seen.activity]}</p>}
      {seen.ineligible > 0 && <p>This server does not stand for {Evidence.seconds(seen.ineligible)} more.</p>}
      {lease !== null && <LeaseBar lease={lease} model={model} />}
      <Actions model={model} seen={seen} />
    </section>
  )
}
