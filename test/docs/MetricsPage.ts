/**
 * The page of metrics, traces and logs, `docs/metrics.md`: its list is made of the definitions of the metrics.
 */
import { type Definition, metrics } from "../../src/status/metrics/Metrics.ts"

const head = `# Metrics, traces and logs

## Metrics

\`bellwether --http 127.0.0.1:7780\` answers \`/metrics\` in the text format of Prometheus. Where the server listens on more than
loopback it asks for the token, as for everything else: Prometheus sends it by \`authorization\`.

\`\`\`yaml
scrape_configs:
  - job_name: bellwether
    scrape_interval: 15s
    static_configs:
      - targets: ["127.0.0.1:7780"]
    # Where the server asks for its token:
    # authorization: { credentials_file: /etc/bellwether/token }
\`\`\`

An app's own exporter has the same metrics by one layer, without HTTP of ours. They are Effect's \`Metric\`s in the app's registry.

\`\`\`ts
import { EventLog, Metrics } from "bellwether"
import * as NodeServer from "bellwether/NodeServer"
import * as Layer from "effect/Layer"

const observed = Layer.merge(Metrics.layer(), EventLog.layer)

export const app = observed.pipe(Layer.provideMerge(NodeServer.layer({ group: "orders" })))
\`\`\`

The server counts in plain numbers, which \`Group.counters\` gives. \`/metrics\` reads them when it is asked; the layer every 5 s (\`every\`). Of several groups in one
process, each has its own series: every metric has the labels \`group\` and \`node\`, the id of the server. \`bellwether_info\` gives the
name that belongs to an id:

\`\`\`promql
bellwether_leader * on (group, node) group_left (name) bellwether_info
\`\`\`

The label \`election\` is empty for the group's own election. A server counts at most 64 elections each by itself, and those beyond
under the name \` others\`.

[deploy/prometheus](../deploy/prometheus) has alert rules with a test of each, and
[deploy/grafana/bellwether.json](../deploy/grafana/bellwether.json) a dashboard that shows most of these. The rules: nobody leads, two
lead, the lead changes often, a server is paused often, drops grow, leases are lost often, the views of servers differ.

## Traces

Spans are made by the tracer of the app, or go to a collector (below). Each has the attributes \`group\` and \`node\`, or \`client\`.

- \`Server.start\`: the start of a server, until its sockets are open.
- \`Server.election\`: an election that the server takes part in. \`outcome\` is \`won\`, \`lost\` or \`open\`, with the \`term\` that is known then.
- \`Leadership.reign\`: one run of leading work, with \`election\`, \`term\` and \`token\`. It ends with the work.
- \`Leadership.transferTo\`: a transfer of the lead, \`to\` a member.
- \`Client.start\`, \`Client.join\`, \`Client.send\`: a client, its first join, and each message until it is acknowledged.
- \`GET\`, \`POST\`: a request to the page or the API, with \`url.path\` and the status of the answer.

## Logs

\`bellwether --log-format pretty\`, \`json\` or \`logfmt\` logs each event as one line on standard error. Each line has \`group\`, \`node\` and
\`event\`, and where it is about them \`election\`, \`term\` and \`cause\`. Standard output is then empty, or with \`--json\` the stream of
[events](events.md). In an app, \`EventLog.layer\` sends the events to Effect's \`Logger\`.

- \`ERROR\`: an operator must mend it: \`DuplicateIdentity\`, \`GroupTooLarge\`.
- \`WARN\`: an operator should look at it: a member was lost, the lead was lost unasked, a pause, a wrong key, a full table.
- \`INFO\`: what happens to a group now and then. A normal day has less than ten lines an hour.
- \`DEBUG\` (\`--log-level debug\`): clients that come, go and send; drops, which the metrics show.

## To a collector of OpenTelemetry

Where \`OTEL_EXPORTER_OTLP_ENDPOINT\` is set, a server that \`bellwether\` runs sends traces, metrics and logs there, as OTLP over HTTP. Nothing of it is loaded
otherwise. \`OTEL_EXPORTER_OTLP_PROTOCOL\` is \`http/protobuf\` or \`http/json\`. The other variables of the standard hold:
\`OTEL_EXPORTER_OTLP_HEADERS\`, \`OTEL_SERVICE_NAME\`, \`OTEL_RESOURCE_ATTRIBUTES\`, \`OTEL_METRIC_EXPORT_INTERVAL\`, and
\`OTEL_TRACES_EXPORTER=none\` (\`METRICS\`, \`LOGS\`) to leave one out. A collector that is not there delays nothing but the end of the
process, by some seconds at most.

## The metrics

Times are in seconds, sizes in bytes. Of a histogram there are \`_bucket\`, \`_sum\` and \`_count\`. This list is generated
(\`npm run docs:write\`).
`

const section = ({ beware, help, labels, name, type, unit }: Definition): string => {
  const own = labels.length === 0 ? "" : `; ${labels.map((label) => `\`${label}\``).join(", ")}`
  const of = unit === "1" ? "" : ` of ${units[unit] ?? unit.replaceAll(/[{}]/g, "")}`
  return `### ${name}\n\nA ${type}${of}${own}. ${help}\n\nDo not conclude too much: ${beware.charAt(0).toLowerCase()}${
    beware.slice(1)
  }\n`
}

const units: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" }

/** The whole page. */
export const page = (): string => [head, ...Object.values<Definition>(metrics).map(section)].join("\n")
