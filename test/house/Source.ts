/**
 * What the rules of the house look at: the files of `src`, or a few made up for a test.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { parseSync, Visitor } from "oxc-parser"
import type { VisitorObject } from "oxc-parser"

/** An import, of either kind, or a re-export. */
interface Import {
  /** As it is written. */
  readonly from: string
  /** The file it leads to, relative to `src`, when it is one of ours. */
  readonly file: string | undefined
  /** Gone when the program runs. */
  readonly isType: boolean
  /** Loaded when it is asked for. */
  readonly isLater: boolean
}

/** A file of `src`. */
export interface Source {
  /** Relative to `src`, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: ReadonlyArray<Import>
  /** The files of ours whose exports it re-exports. */
  readonly reexports: ReadonlyArray<string>
  readonly visit: (visitor: VisitorObject) => void
  readonly lineAt: (offset: number) => number
  /** The doc comment that ends right before an offset, or the empty string. */
  readonly docBefore: (offset: number) => string
  /** The doc comment that the file begins with, or the empty string. */
  readonly header: string
  /** What the file itself declares and exports, once for each declaration. */
  readonly exports: ReadonlyArray<{ readonly name: string; readonly start: number }>
}

/** A file from its text. */
export const parse = (path: string, text: string): Source => {
  const parsed = parseSync(path, text)
  const firstError = parsed.errors[0]
  if (firstError !== undefined) throw new Error(`${path}: ${firstError.message}`)
  const { comments, module, program } = parsed

  const imported = (from: string, isType: boolean, isLater = false): Import => ({
    from,
    file: from.startsWith(".") ? Path.posix.normalize(Path.posix.join(Path.posix.dirname(path), from)) : undefined,
    isType,
    isLater
  })
  const docs = comments.filter((comment) => comment.type === "Block" && comment.value.startsWith("*"))
  const docBefore = (offset: number) =>
    docs.find((comment) => comment.end <= offset && text.slice(comment.end, offset).trim() === "")?.value ?? ""

  return {
    path,
    text,
    imports: [
      ...module.staticImports.map((statement) =>
        imported(
          statement.moduleRequest.value,
          statement.entries.length > 0 && statement.entries.every((entry) => entry.isType)
        )
      ),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap((entry) => entry.moduleRequest ? [imported(entry.moduleRequest.value, entry.isType)] : [])
      ),
      ...module.dynamicImports.map(({ moduleRequest }) =>
        imported(text.slice(moduleRequest.start + 1, moduleRequest.end - 1), false, true)
      )
    ],
    reexports: module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => {
        const file = moduleRequest === null ? undefined : imported(moduleRequest.value, false).file
        return file === undefined ? [] : [file]
      })
    ),
    visit: (visitor) => new Visitor(visitor).visit(program),
    lineAt: (offset) => text.slice(0, offset).split("\n").length,
    docBefore,
    header: docs[0] !== undefined && /^(#!.*)?\s*$/.test(text.slice(0, docs[0].start)) ? docs[0].value : "",
    exports: program.body.flatMap((node) => {
      if (node.type === "ExportDefaultDeclaration") return [{ name: "default", start: node.start }]
      if (node.type !== "ExportNamedDeclaration" || node.declaration === null) return []
      const { declaration } = node
      const names = declaration.type === "VariableDeclaration"
        ? declaration.declarations.map(({ id }) => text.slice(id.start, id.typeAnnotation?.start ?? id.end))
        : "id" in declaration && declaration.id !== null
        ? [text.slice(declaration.id.start, declaration.id.end)]
        : []
      return names.map((name) => ({ name, start: node.start }))
    })
  }
}

const root = Path.resolve(import.meta.dirname, "../../src")

/** Every file of `src`. */
export const all = (): ReadonlyArray<Source> =>
  Fs.readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.split(Path.sep).join("/"))
    .filter((path) => /\.tsx?$/.test(path))
    .toSorted()
    .map((path) => parse(path, Fs.readFileSync(Path.join(root, path), "utf8")))
