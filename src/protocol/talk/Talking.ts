/** How members talk: what was said on a topic, questions and answers, each given to who is in charge of it. */
import type * as Message from "../model/Message.ts"
import type { StepContext } from "../model/StepContext.ts"
import * as Answering from "./Answering.ts"
import * as Asking from "./Asking.ts"
import * as Saying from "./Saying.ts"

type Heard = Message.Of<"TALK" | "QUESTION" | "ANSWER" | "PARTS_ASK">

/** A message of a member that talks. It is no sign of life. */
export const received = (context: StepContext, message: Heard): void => {
  switch (message.type) {
    case "TALK":
      return Saying.hear(context, message)
    case "QUESTION":
      return Answering.onQuestion(context, message)
    case "ANSWER":
      return Asking.onAnswer(context, message)
    case "PARTS_ASK":
      return message.what === "question"
        ? Asking.onPartsAsk(context, message)
        : Answering.onPartsAsk(context, message)
  }
}

/** A handler of this server's app has ended: one more may run. */
export const handled = (context: StepContext, answer: Answering.Answer): void => {
  const { self, talk } = context.state
  context.state.talk = { ...talk, handling: talk.handling - 1 }
  if (answer.from.id === self.id) Asking.ended(context, answer.seq, answer.outcome, answer.text)
  else Answering.handled(context, answer)
}
