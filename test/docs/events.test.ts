/**
 * docs/events.md is what it is generated from. `npm run docs:write` writes it.
 */
import { assert, describe, expect, it } from "@effect/vitest"
import * as Path from "node:path"
import * as ClientEvent from "../../src/protocol/model/ClientEvent.ts"
import * as Event from "../../src/protocol/model/Event.ts"
import * as EventsPage from "./EventsPage.ts"
import * as Page from "./Page.ts"

describe("docs/events.md", () => {
  it("is what the schemas of the events, their comments and their texts say", async () => {
    await expect(EventsPage.page()).toMatchFileSnapshot(Path.join(Page.root, "docs/events.md"))
  })

  it("has each event, with each of its fields", () => {
    const [, server = "", client = ""] = EventsPage.page().split(/^## Events of .*$/m)
    for (const [text, { members }] of [[server, Event.Event], [client, ClientEvent.ClientEvent]] as const) {
      const sections = text.split(/^### /m).slice(1)
      const names = members.map(({ fields }) => fields.event.literal)
      assert.deepStrictEqual(sections.map((section) => section.split("\n")[0]), names)
      for (const [index, { fields }] of members.entries()) {
        const listed = [...sections[index]!.matchAll(/^- `(\w+)`: /gm)].map(([, field]) => field)
        assert.deepStrictEqual(listed, Object.keys(fields).filter((field) => field !== "at" && field !== "event"))
      }
    }
  })
})
