/**
 * The page of events, `docs/events.md`: made of the events' schemas and the comments on them, and of the words for each.
 */
import * as Schema from "effect/Schema"
import { parseSync } from "oxc-parser"
import * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as ClientEventText from "../../src/status/ClientEventText.ts"
import * as EventText from "../../src/status/EventText.ts"
import * as Examples from "./EventExamples.ts"
import * as Page from "./Page.ts"

/** A field and its schema, both as the source has them. */
type Field = readonly [name: string, schema: string]

interface Described {
  readonly name: string
  readonly comment: string
  readonly fields: ReadonlyArray<Field>
}

/** What a schema of the source is called here. */
const words: { readonly [schema: string]: string } = {
  "Schema.Natural": "a whole number",
  "Schema.String": "a text",
  "Schema.Json": "any JSON",
  "Schema.Boolean": "true or false",
  "Member.Member": "a [member](#member)",
  "Member.NodeId": "the id of a server",
  "Member.Incarnation": "the number of a start: later starts have greater ones",
  "Reign.Leader": "a [leader](#leader)",
  "Reign.Term": "a term",
  "Client.Client": "a client: `id` and `name`",
  "Client.ClientId": "the id of a client",
  "Client.Seq": "a whole number from 1",
  "Client.Body": "any JSON",
  "Topic.TopicName": "the name of a topic",
  Cause: "a [cause](#cause)",
  Reason: "a [reason](#reason)",
  ClientReason: "`_tag` is `Left`, or `Silent` with `for` in ms",
  Via: "`heartbeat`, `probe`, `response` or `message`",
  Way: "`Incoming` or `Outgoing`"
}

const inWords = (schema: string): string => {
  const [, wrapper, inner = ""] = /^Schema\.(NullOr|optionalKey|Array)\((.*)\)$/s.exec(schema) ?? []
  if (wrapper === "NullOr") return `${inWords(inner)}, or null`
  if (wrapper === "optionalKey") return `${inWords(inner)}; may be left out`
  if (wrapper === "Array") return `a list, each ${inWords(inner)}`
  if (schema.startsWith("Schema.Literals(")) {
    return [...schema.matchAll(/"(\w+)"/g)].map(([, literal]) => `\`${literal}\``).join(" or ")
  }
  const word = words[schema]
  if (word === undefined) throw new Error(`no words for ${schema}`)
  return word
}

const clean = (comment: string) => comment.replaceAll(/\s*\n\s*\*?[ ]*/g, " ").replace(/^\*/, "").trim()

// The fields of `Event.Lost`, which two events spread.
const lost: ReadonlyArray<Field> = [
  ["client", "Schema.NullOr(Client.ClientId)"],
  ["term", "Schema.NullOr(Reign.Term)"],
  ["from", "Client.Seq"],
  ["to", "Client.Seq"]
]

/** Each call of `event` in a file: its name, the comment before it, its fields. */
const described = (path: string): ReadonlyArray<Described> => {
  const text = Page.read(path)
  const { comments } = parseSync(path, text)
  const [, union = ""] = /export const \w+ = Schema\.Union\(\[(.*?)\n\]\)/s.exec(text) ?? []
  const start = text.indexOf(union)
  return [...union.matchAll(/^ {2}event\("(\w+)", (?:\{(.*?)\}|Event\.Lost\.fields|Lost\.fields)\)(?:,|$)/gms)].map(
    ({ 0: call, 1: name = "", 2: body, index }) => {
      const offset = start + index
      const before = comments.find(({ end }) => end <= offset && text.slice(end, offset).trim() === "")
      if (before === undefined) throw new Error(`${path}: ${name} has no comment`)
      return { name, comment: clean(before.value), fields: body === undefined ? lost : fieldsIn(path, call) }
    }
  )
}

const fieldsIn = (path: string, call: string): ReadonlyArray<Field> => {
  const source = call.replace(/,$/, "")
  const [statement] = parseSync(path, source).program.body
  if (statement?.type !== "ExpressionStatement" || statement.expression.type !== "CallExpression") return []
  const fields = statement.expression.arguments[1]
  if (fields?.type !== "ObjectExpression") return []
  return fields.properties.flatMap((property) =>
    property.type === "Property"
      ? [[source.slice(property.key.start, property.key.end), source.slice(property.value.start, property.value.end)]]
      : []
  )
}

const section = ({ comment, fields, name }: Described, line: string, json: string): ReadonlyArray<string> => [
  `### ${name}`,
  "",
  comment,
  "",
  ...fields.map(([field, schema]) => `- \`${field}\`: ${inWords(schema)}`),
  ...(fields.length === 0 ? [] : [""]),
  // Not `json`: the formatter would break it over lines, and the program writes one.
  "```text",
  json,
  line,
  "```",
  ""
]

/** What the comment before a schema says, with its list. */
const commentOf = (name: string): string => {
  const text = Page.read("src/protocol/model/Event.ts")
  const [, comment = ""] = new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s*export const ${name} =`, "s").exec(text) ?? []
  return comment.replaceAll(/^\s*\* ?/gm, "").split("@category")[0]!.trim()
}

const head = `# Events

A server reports what happens as events. \`bellwether --json\` writes one JSON object a line; the stream of \`Group.subscribe\` has the
same objects, by the schema \`Event.Event\`. Without \`--json\` each is a line of text. Below, each event is shown in both ways. \`bellwether client --json\` and
\`Client.events\` give [the events of a client](#events-of-a-client), by the schema \`ClientEvent.ClientEvent\`.

Each event has \`event\`, its name, and \`at\`, the time in Unix ms by the clock of this host. Durations (\`for\`,
\`without\`, \`after\`, \`again\`, \`ownLag\`) are whole milliseconds. [Operations](operations.md#what-each-event-means) says what to do
about each.

Other versions may have more events, more fields, and more values of a field. A program that reads lines decodes them by
\`Event.AnyEvent\` or \`ClientEvent.AnyEvent\`: an event that it does not know becomes \`Unknown\`, whose \`told\` is the whole line.

This page is generated (\`npm run docs:write\`).
`

const types = [
  "## What the fields hold",
  "",
  "### Member",
  "",
  "A server: `id`, `ip`, `port`, `hostname`, `name`, `priority`, `incarnation` (the number of its start), `tags` (texts by name).",
  "",
  "### Leader",
  "",
  "A server as a leader: `id`, `priority`, `incarnation`, `ip`, `port`. A leader with a `term` is a reign, which others call an epoch or a ballot.",
  "",
  "### Reason",
  "",
  commentOf("Reason"),
  "",
  "### Cause",
  "",
  commentOf("Cause"),
  ""
]

const pageOf = <E extends { readonly event: string }>(
  path: string,
  examples: { readonly [name: string]: E },
  line: (event: E) => string,
  json: (event: E) => unknown
) =>
  described(path).flatMap((one) => {
    const example = examples[one.name]
    if (example === undefined) throw new Error(`${path}: no example of ${one.name}`)
    return section(one, line(example), JSON.stringify(json(example)))
  })

/** The whole page. */
export const page = (): string =>
  [
    head,
    ...types,
    "## Events of a server",
    "",
    ...pageOf("src/protocol/model/Event.ts", Examples.server, EventText.line, Schema.encodeSync(Event.Event)),
    "## Events of a client",
    "",
    ...pageOf(
      "src/protocol/model/ClientEvent.ts",
      Examples.client,
      ClientEventText.line,
      Schema.encodeSync(ClientEvent.ClientEvent)
    )
  ].join("\n").trimEnd() + "\n"
