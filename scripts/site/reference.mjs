// The reference of the package, as Markdown made of the doc comments: a page for each module that it exports.
import { existsSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { parseSync } from "oxc-parser"
import { root } from "../setup.mjs"

const read = (file) => readFileSync(join(root, "src", file), "utf8")

/** The entry points: those of `exports` in package.json that lead to code. */
const entries = () => {
  const { exports, name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  return Object.entries(exports).flatMap(([path, to]) =>
    typeof to?.types === "string"
      ? [{ from: posix.join(name, path), file: to.types.replace("./dist/", "").replace(".d.ts", ".ts") }]
      : []
  )
}

const parse = (file) => {
  const text = read(file)
  const { comments, program } = parseSync(file, text)
  const docs = comments.filter(({ type, value }) => type === "Block" && value.startsWith("*"))
  const before = (start) => docs.find(({ end }) => end <= start && text.slice(end, start).trim() === "")?.value ?? ""
  const first = docs[0]
  return {
    before,
    header: first !== undefined && text.slice(0, first.start).trim() === "" ? first.value : "",
    program,
    text
  }
}

/** A comment as Markdown, and its tags. */
const doc = (comment) => {
  const lines = comment.replace(/^\*/, "").split("\n").map((line) => line.replace(/^\s*\* ?/, ""))
  const text = lines.join("\n").replaceAll(/\{@link ([^}|]+?)(?:\s*\|[^}]*)?\}/g, "`$1`")
  const [said = "", ...tags] = text.split(/^@(?=category|since|internal|example|default)/m)
  const tag = (name) => tags.find((one) => one.startsWith(`${name} `) || one.trim() === name)?.slice(name.length).trim()
  return { category: tag("category") ?? "other", internal: tag("internal") !== undefined, said: said.trim() }
}

const nameOf = (text, id) => text.slice(id.start, id.typeAnnotation?.start ?? id.end)

/** The declaration without what it does: of a function its head, of a class its first line, of a value its type or its start. */
const signature = (text, node, declaration) => {
  const upTo = (end) => text.slice(node.start, end).replace(/^export (declare )?/, "").replace(/[\s{=]+$/, "")
  if (declaration.type === "FunctionDeclaration") return upTo(declaration.body?.start ?? declaration.end)
  if (declaration.type === "ClassDeclaration") return upTo(declaration.body.start)
  if (declaration.type !== "VariableDeclaration") return upTo(declaration.end)
  const [{ id, init }] = declaration.declarations
  if (id.typeAnnotation) return upTo(id.end)
  if (init?.type === "ArrowFunctionExpression") return upTo(init.body.start).replace(/\s*=>$/, "")
  const all = upTo(declaration.end)
  const generator = /^[\s\S]*?Effect\.fn(?:Untraced)?(?:\([^)]*\))?\(function\*\([\s\S]*?\)(?::[\s\S]*?)? \{/.exec(all)
  if (generator !== null) return generator[0].replace(/\s*\{$/, "")
  const lines = all.split("\n")
  return lines.length > 16 ? `${lines.slice(0, 12).join("\n")}\n  // ...` : all
}

/** What a file declares and exports. */
const declared = (file) => {
  const { before, program, text } = parse(file)
  return program.body.flatMap((node) => {
    if (node.type !== "ExportNamedDeclaration" || node.declaration === null) return []
    const { declaration } = node
    const ids = declaration.type === "VariableDeclaration"
      ? declaration.declarations.map(({ id }) => id)
      : [declaration.id]
    const { category, internal, said } = doc(before(node.start))
    return ids.map((id) => ({
      category,
      internal,
      name: nameOf(text, id),
      said,
      signature: signature(text, node, declaration)
    }))
  }).filter(({ internal }) => !internal)
}

// A schema and its type go by one name, and have one heading.
const members = (all) => {
  const byName = new Map()
  for (const one of all) byName.set(one.name, [...byName.get(one.name) ?? [], one])
  return [...byName].map(([name, parts]) =>
    [
      `### ${name}`,
      "",
      ...parts.map(({ said }) => said).filter((said) => said !== ""),
      "",
      "```ts",
      ...parts.map((part) => part.signature),
      "```",
      ""
    ].join("\n")
  )
}

const page = ({ all, file, importing, said, source, title }) => {
  const categories = [...new Set(all.map(({ category }) => category))]
  // Names that a later category has too stand with the first.
  const shown = new Set()
  const sections = categories.flatMap((category) => {
    const names = new Set(
      all.filter((one) => one.category === category && !shown.has(one.name)).map(({ name }) => name)
    )
    for (const name of names) shown.add(name)
    if (names.size === 0) return []
    const heading = category[0].toUpperCase() + category.slice(1)
    return [`## ${heading}`, ""].concat(members(all.filter(({ name }) => names.has(name))))
  })
  return { file, source, text: [`# ${title}`, "", said, "", "```ts", importing, "```", "", ...sections].join("\n") }
}

const fileOf = (from, specifier) => posix.join(posix.dirname(from), specifier)

/** What one file of the package exports under names of its own: `export * as Name`, or single names of other files. */
const reexported = (file) => {
  const { before, program, text } = parse(file)
  const modules = program.body.flatMap((node) =>
    node.type === "ExportAllDeclaration" && node.exported !== null
      ? [{ file: fileOf(file, node.source.value), name: text.slice(node.exported.start, node.exported.end) }]
      : []
  )
  const single = program.body.flatMap((node) =>
    node.type === "ExportNamedDeclaration" && node.source !== null
      ? node.specifiers.map((one) => {
        const name = text.slice(one.exported.start, one.exported.end)
        const found = declared(fileOf(file, node.source.value)).find((other) => other.name === name)
        const own = doc(before(one.start))
        return { category: own.category, name, said: own.said || found?.said, signature: found?.signature ?? name }
      })
      : []
  )
  return { modules, single }
}

const pageOfEntry = ({ file, from }, single) => {
  const all = declared(file).concat(single)
  return all.length === 0 ? [] : [page({
    all,
    file: `${from.replaceAll("/", "-")}.html`,
    importing: `import * as ${posix.basename(from)} from "${from}"`,
    said: doc(parse(file).header).said,
    source: `src/${file}`,
    title: from
  })]
}

const pageOfModule = (from, { file, name }) =>
  page({
    all: declared(file),
    file: `${from.replaceAll("/", "-")}.${name}.html`,
    importing: `import { ${name} } from "${from}"`,
    said: doc(parse(file).header).said,
    source: `src/${file}`,
    title: `${from} ${name}`
  })

/** The pages of the reference, in the order of the entry points. */
export const reference = () =>
  entries().filter(({ file }) => existsSync(join(root, "src", file))).flatMap((entry) => {
    const { modules, single } = reexported(entry.file)
    return pageOfEntry(entry, single).concat(modules.map((module) => pageOfModule(entry.from, module)))
  })
