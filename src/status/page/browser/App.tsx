/** The page, put together. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import * as Evidence from "../Evidence.ts"
import * as Flights from "../Flights.ts"
import * as Model from "../Model.ts"
import { Refusal, TokenField } from "./Ask.tsx"
import * as Connection from "./Connection.ts"
import { Leading } from "./Leading.tsx"
import { Log, Messages } from "./Log.tsx"
import { Members } from "./Members.tsx"
import { RingView } from "./RingView.tsx"
import { Sending } from "./Sending.tsx"
import * as Server from "./Server.ts"
import type * as Sky from "./Sky.ts"
import type * as Store from "./Store.ts"
import { TimeLineView } from "./TimeLineView.tsx"

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })

/** Pages of other members, where they are known. */
const Others = ({ model }: { readonly model: Model.Model }) => {
  const others = Model.otherPages(model)
  if (others.length === 0) return null
  return (
    <nav aria-label="Pages of other members">
      {others.map(({ id, name, page }) => <a key={id} href={page} rel="noreferrer">{name}</a>)}
    </nav>
  )
}

const linkText = (model: Model.Model): string => {
  switch (model.link._tag) {
    case "Connecting":
      return "Connecting…"
    case "Live":
      return "Live"
    case "Unsure":
      return "This server does not know at present who is there. What is shown is what it knew last."
    case "Left":
      return "This server has left its group. What is shown is its last view."
    case "Stale":
      return model.link.since === null
        ? model.link.why
        : `${model.link.why} What is shown is from ${clock.format(model.link.since)}.`
    case "Closed":
      return "This server asks for its token."
  }
}

const Head = ({ model, send }: { readonly model: Model.Model; readonly send: Store.Store["send"] }) => {
  const { link, status, version } = model
  return (
    <header class="top">
      <h1>{status === null ? "Bellwether" : status.group}</h1>
      {status !== null && <p>as {status.self.name} sees it</p>}
      {status !== null && status.elections.length > 1 && (
        <label>
          Election
          <select
            value={model.election}
            onChange={(event) => send({ _tag: "Election", name: event.currentTarget.value })}
          >
            {status.elections.map(({ name }) => (
              <option key={name} value={name}>{name === "" ? "the group's own" : name}</option>
            ))}
          </select>
        </label>
      )}
      <p class={`link ${link._tag}`} role="status">{linkText(model)}</p>
      {status !== null && version !== null && status.version !== version && (
        <button
          type="button"
          onClick={() => location.reload()}
        >
          Load the page of version {status.version}
        </button>
      )}
      <Others model={model} />
    </header>
  )
}

const Details = ({ model, onClose }: { readonly model: Model.Model; readonly onClose: () => void }) => {
  const detail = Evidence.selected(model)
  if (detail === null) return null
  return (
    <aside class="details" aria-labelledby="details">
      <header>
        <h2 id="details">{detail.title}</h2>
        <button type="button" aria-label="Close the details" onClick={onClose}>✕</button>
      </header>
      <p>{detail.text}</p>
      <dl>
        {detail.rows.map(([label, value], index) => (
          <div key={index}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  )
}

const Closed = ({ onToken }: { readonly onToken: () => void }) => {
  const wasWrong = Server.token.get() !== null
  return (
    <main class="closed">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const token = new FormData(event.currentTarget).get("token")
          if (typeof token === "string") Server.token.set(token)
          onToken()
        }}
      >
        <h2>This server is open to those who have its token</h2>
        <TokenField />
        {wasWrong && <Refusal refusal={{ status: 401, title: "That was another token.", detail: "" }} />}
        <button type="submit">Open</button>
      </form>
    </main>
  )
}

/** What a screen reader is told as it happens: who leads, and who has gone. */
const Announcer = ({ model }: { readonly model: Model.Model }) => {
  const last = model.log.findLast(({ event }) => event.event === "LeaderChanged" || event.event === "MemberRemoved")
  return <p class="unseen" aria-live="polite">{last === undefined ? "" : Evidence.describe(last.event)}</p>
}

/** Connects, and gives the model as it changes. What the server tells of messages goes to the sky, not through the model. */
const useServer = (store: Store.Store) => {
  const [model, setModel] = useState(store.get())
  const sky = useRef<Sky.Sky | null>(null)
  const reconnect = useRef(() => {})
  useEffect(() => {
    const end = store.listen(setModel)
    reconnect.current = Connection.start(store, (messages) => {
      const { status } = store.get()
      if (status === null) return
      for (const message of messages) sky.current?.show(Flights.see(message, status.self.id, status.members))
    })
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") store.send({ _tag: "Select", selected: null })
    }
    addEventListener("keydown", onKey)
    return () => {
      end()
      removeEventListener("keydown", onKey)
    }
  }, [])
  return { model, sky, reconnect }
}

interface Shown {
  readonly model: Model.Model
  readonly send: Store.Store["send"]
}

/** The ring, drawn anew only when something in it changes: ages change every second. */
const Stage = ({ model, onSky, send }: Shown & { readonly onSky: (sky: Sky.Sky | null) => void }) => {
  const { selected, status } = model
  const leader = Model.seenElection(model)?.reign?.leader.id ?? null
  const chosen = selected?.kind === "member" ? selected.id : null
  const members = status?.members ?? []
  const speaks = Model.isOnLan(model)
  const drawn = members.map(({ asked, id, name }) => `${id} ${name} ${asked > 0 ? 1 : 0}`).join()
  return useMemo(() => (
    <section class="stage" aria-label="The ring">
      <RingView
        members={members}
        self={status?.self.id ?? ""}
        speaks={speaks}
        leader={leader}
        selected={chosen}
        onSelect={(id) => send({ _tag: "Select", selected: { kind: "member", id } })}
        onSky={onSky}
      />
    </section>
  ), [drawn, leader, chosen, speaks, status?.self.id])
}

const Past = ({ model, send }: Shown) => {
  const { history, selected, status, statusAt, window } = model
  if (history === null || status === null) return null
  return (
    <TimeLineView
      history={history}
      window={window}
      now={() => status.at + (performance.now() - statusAt)}
      selected={selected}
      onSelect={(selected) => send({ _tag: "Select", selected })}
      onWindow={(window) => send({ _tag: "Window", window })}
    />
  )
}

export const App = ({ store }: { readonly store: Store.Store }) => {
  const { model, reconnect, sky } = useServer(store)
  const { send } = store
  const { filter, link, log, said, selected, status } = model
  const table = useMemo(
    () => <Members model={model} onSelect={(id) => send({ _tag: "Select", selected: { kind: "member", id } })} />,
    [status]
  )
  const events = useMemo(() => <Log model={model} send={send} />, [log, filter, selected])
  const messages = useMemo(() => <Messages model={model} />, [said])
  if (link._tag === "Closed") return <Closed onToken={() => reconnect.current()} />
  return (
    <>
      <Head model={model} send={send} />
      <Announcer model={model} />
      {status !== null && (
        <main class={link._tag === "Live" ? "" : "stale"}>
          <Stage
            model={model}
            send={send}
            onSky={(next) => {
              sky.current = next
            }}
          />
          <div class="side">
            <Leading model={model} />
            <Details model={model} onClose={() => send({ _tag: "Select", selected: null })} />
            {status.sends !== false && <Sending />}
          </div>
          <Past model={model} send={send} />
          <div class="side">
            {table}
            {Model.isOnLan(model) && messages}
          </div>
          {events}
        </main>
      )}
    </>
  )
}
