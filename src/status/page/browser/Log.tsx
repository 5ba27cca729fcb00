/** What happened: the events with their filters, and the messages of the last election. */
import { useState } from "preact/hooks"
import type { Streamed } from "../../http/Contract.ts"
import * as Evidence from "../Evidence.ts"
import { kindOf } from "../Flights.ts"
import * as Model from "../Model.ts"

interface Props {
  readonly model: Model.Model
  readonly send: (happening: Model.Happening) => void
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 1
})

const texts = new WeakMap<Streamed, string>()

/** The words of an event: made once for each. */
const text = (event: Streamed): string => {
  const known = texts.get(event)
  if (known !== undefined) return known
  const made = Evidence.describe(event)
  texts.set(event, made)
  return made
}

const topics: ReadonlyArray<readonly [Model.Topic, string]> = [
  ["leadership", "Leadership"],
  ["members", "Members"],
  ["messages", "Clients"],
  ["server", "This server"]
]

/** So many lines at first: a log of a thousand is long to draw, and seldom read to its end. */
const most = 100

export const Log = ({ model, send }: Props) => {
  const [limit, setLimit] = useState(most)
  const entries = Model.shownLog(model, text)
  return (
    <section class="log" aria-labelledby="log">
      <header>
        <h2 id="log">
          Events <span class="count">{entries.length}</span>
        </h2>
        <div class="buttons" role="group" aria-label="Show events about">
          {topics.map(([topic, label]) => (
            <button
              type="button"
              key={topic}
              aria-pressed={!model.filter.hidden.has(topic)}
              onClick={() => send({ _tag: "Topic", topic })}
            >
              {label}
            </button>
          ))}
          <input
            type="search"
            aria-label="Search the events"
            placeholder="Search"
            onInput={(event) => send({ _tag: "Search", text: event.currentTarget.value })}
          />
        </div>
      </header>
      <div class="scrolled" tabIndex={0} role="group" aria-labelledby="log">
        <ol>
          {entries.slice(0, limit).map(({ event, key }) => (
            <li key={key} class={Model.topicOf(event)}>
              <button
                type="button"
                class="plain"
                aria-pressed={model.selected?.kind === "event" && model.selected.key === key}
                onClick={() => send({ _tag: "Select", selected: { kind: "event", key } })}
              >
                <time>{clock.format(event.at)}</time> {text(event)}
              </button>
            </li>
          ))}
        </ol>
        {entries.length > limit && (
          <button type="button" onClick={() => setLimit(limit + 5 * most)}>Show older ones</button>
        )}
      </div>
    </section>
  )
}

/** The messages that are not sent all the time, as this server sent and heard them. */
export const Messages = ({ model }: { readonly model: Model.Model }) => {
  const nameOf = (id: string | null) =>
    id === null ? "?" : Model.memberOf(model, id)?.name ?? `client ${id.slice(0, 6)}`
  const addressee = (to: string) =>
    model.status?.members.find(({ ip, port }) => to === `${ip}:${port}` || to === `[${ip}]:${port}`)?.name ?? to
  return (
    <section class="said" aria-labelledby="said">
      <h2 id="said">Messages between servers</h2>
      <p class="hint">As this server sends and hears them, without those that are sent all the time.</p>
      <div class="scrolled" tabIndex={0} role="group" aria-labelledby="said">
        <ol>
          {model.said.toReversed().map(({ key, message: { at, by, to, type, way } }) => (
            <li key={key}>
              <time>{clock.format(at)}</time> <b class={kindOf(type)}>{type}</b> {way === "heard"
                ? `from ${nameOf(by)}`
                : `to ${to === null ? "the group" : addressee(to)}`}
            </li>
          ))}
        </ol>
      </div>
    </section>
  )
}
