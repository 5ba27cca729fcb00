/** docs/metrics.md is what it is generated from. `npm run docs:write` writes it. */
import { describe, expect, it } from "@effect/vitest"
import * as Path from "node:path"
import * as MetricsPage from "./MetricsPage.ts"
import * as Page from "./Page.ts"

describe("docs/metrics.md", () => {
  it("is what the definitions of the metrics say", async () => {
    await expect(MetricsPage.page()).toMatchFileSnapshot(Path.join(Page.root, "docs/metrics.md"))
  })
})
