/**
 * Manifests of Kubernetes, judged by the schemas of its API, strictly: a field that there is not is wrong. The API server itself
 * passes such a field over, and nobody is told that it was misspelt.
 */
import { assert } from "@effect/vitest"
import * as Yaml from "effect/encoding/Yaml"
import * as Fs from "node:fs"
import * as Path from "node:path"

const folder = Path.resolve(import.meta.dirname, "../../deploy")

interface Document {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

/** The manifests, by the names of their files. */
export const files: ReadonlyArray<string> = Fs.readdirSync(folder).filter((name) => name.endsWith(".yaml"))

export const text = (file: string): string => Fs.readFileSync(Path.join(folder, file), "utf8")

export const documents = (text: string): ReadonlyArray<Document> =>
  text.split(/^---$/m).map((document) => Yaml.parse(document) as Document)

/** What of the manifest is run by tests. */
interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: "metadata.name" } }
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly env: ReadonlyArray<Variable>
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: ReadonlyArray<string> } } }
}

export interface Workload {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly replicas: number
    readonly serviceName?: string
    readonly template: { readonly spec: { readonly containers: readonly [Container] } }
  }
}

/** The one of that kind. */
const one = (kind: string): unknown => {
  const [found, ...more] = documents(text("kubernetes.yaml")).filter((document) => document.kind === kind)
  assert.isDefined(found, kind)
  assert.isEmpty(more, kind)
  return found
}

export const workload = (kind: string): Workload => one(kind) as Workload

export const containerOf = ({ spec }: Workload): Container => spec.template.spec.containers[0]

/** The settings that all servers have in common. */
export const config = (): Readonly<Record<string, string>> =>
  (one("ConfigMap") as { readonly data: Record<string, string> }).data

interface Validate {
  (data: unknown): boolean
  readonly errors?: ReadonlyArray<{ readonly instancePath: string; readonly message?: string; readonly params: object }>
}

/** The kind's name in the schemas: `IoK8sApiAppsV1StatefulSet` is `StatefulSet` of `apps/v1`. */
const schemaName = ({ apiVersion, kind }: Document): string => {
  const [version = "", group = "core"] = apiVersion.split("/").toReversed()
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
  return `IoK8sApi${capital(group.split(".")[0] ?? "")}${capital(version)}${kind}`
}

/** A view of a value that notes which of its fields are read. */
const watched = (value: unknown, path: string, read: Set<string>): unknown =>
  typeof value !== "object" || value === null ? value : new Proxy(value, {
    get: (target, key) => {
      const field: unknown = Reflect.get(target, key)
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return field
      read.add(`${path}/${key}`)
      return watched(field, `${path}/${key}`, read)
    }
  })

/** The paths of all fields. */
const fields = (value: unknown, path = ""): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  const paths = Object.entries(value).map(([key, field]) => [`${path}/${key}`].concat(fields(field, `${path}/${key}`)))
  return paths.flat()
}

/**
 * What is wrong with a document, each in one line. The schemas are compiled, and say nothing of fields that they do not know: those
 * are the fields that the compiled code never looks at.
 */
export const faults = async (document: Document): Promise<ReadonlyArray<string>> => {
  const { validate }: { readonly validate: Validate } = await import(
    `kubernetes-models/_schemas/${schemaName(document)}`
  )
  const read = new Set<string>()
  const isValid = validate(watched(document, "", read))
  const wrong = isValid ? [] : validate.errors ?? []
  return [
    ...wrong.map(({ instancePath, params }) => `${instancePath}: ${JSON.stringify(params)}`),
    ...fields(document).filter((path) => !read.has(path)).map((path) => `${path}: no such field`)
  ]
}
