/**
 * A thread of a campaign: makes the runs that it is handed, one after the other, and hands back what came of each.
 */
import { parentPort } from "node:worker_threads"
import * as CampaignRun from "./CampaignRun.ts"

parentPort?.on("message", async (run: CampaignRun.Run) => parentPort?.postMessage(await CampaignRun.run(run)))
