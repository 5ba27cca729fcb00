/** A message to everybody in the group. */
import { useState } from "preact/hooks"
import { Ask, Refusal } from "./Ask.tsx"
import type { Question } from "./Ask.tsx"
import * as Server from "./Server.ts"

/** What is asked where the token is not known yet. */
const questionOf = (body: string): Question => ({
  title: "Send this message?",
  text: body,
  confirm: "Send",
  path: "api/messages",
  body: () => ({ body })
})

export const Sending = () => {
  const [text, setText] = useState("")
  const [question, setQuestion] = useState<Question | null>(null)
  const [refusal, setRefusal] = useState<Server.Refusal | null>(null)
  const [told, setTold] = useState("")
  const done = (isDone: boolean) => {
    if (!isDone) return
    setText("")
    setTold("Sent: the leader has it.")
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setRefusal(null)
    setTold("")
    const next = questionOf(text)
    if (Server.token.get() === null) return setQuestion(next)
    setTold("Sending…")
    const refused = await Server.change(next.path, next.body(""))
    setTold("")
    if (refused?.status === 401) {
      Server.token.forget()
      return setQuestion(next)
    }
    setRefusal(refused)
    done(refused === null)
  }
  return (
    <section class="sending" aria-labelledby="sending">
      <h2 id="sending">Send a message</h2>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          To everybody in the group
          <input
            value={text}
            required
            maxLength={400}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Send</button>
      </form>
      <p class="hint" role="status">{told}</p>
      {refusal !== null && <Refusal refusal={refusal} />}
      {question !== null && (
        <Ask
          question={question}
          onClose={(isDone) => {
            setQuestion(null)
            done(isDone)
          }}
        />
      )}
    </section>
  )
}
