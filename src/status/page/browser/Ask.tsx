/** The question before something is changed, and the token where the page does not have it yet. */
import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import * as Server from "./Server.ts"

/** A question: what is done when it is confirmed. */
export interface Question {
  readonly title: string
  readonly text: string
  readonly confirm: string
  readonly path: string
  /** The body, of what was chosen. */
  readonly body: (choice: string) => unknown
  readonly choices?: { readonly label: string; readonly of: ReadonlyArray<readonly [value: string, name: string]> }
}

interface Props {
  readonly question: Question
  readonly onClose: (isDone: boolean) => void
}

/** The field in which the token is entered. */
export const TokenField = ({ children }: { readonly children?: ComponentChildren }) => (
  <label>
    Token of this server
    <input name="token" type="password" required autocomplete="off" spellcheck={false} />
    {children}
  </label>
)

/** The words of a refusal. */
export const Refusal = ({ refusal }: { readonly refusal: Server.Refusal }) => (
  <p class="refusal" role="alert">
    <strong>{refusal.title}</strong> {refusal.detail}
  </p>
)

export const Ask = ({ onClose, question }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [refusal, setRefusal] = useState<Server.Refusal | null>(null)
  const [needsToken, setNeedsToken] = useState(Server.token.get() === null)
  const [isBusy, setIsBusy] = useState(false)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const token = form.get("token")
    if (typeof token === "string" && token !== "") Server.token.set(token)
    const choice = form.get("choice")
    setIsBusy(true)
    const refused = await Server.change(question.path, question.body(typeof choice === "string" ? choice : ""))
    setIsBusy(false)
    if (refused === null) return onClose(true)
    if (refused.status === 401) Server.token.forget()
    setNeedsToken(refused.status === 401)
    setRefusal(refused)
  }
  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={() => onClose(false)}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="question">{question.title}</h2>
        <p>{question.text}</p>
        {question.choices !== undefined && (
          <label>
            {question.choices.label}
            <select name="choice">
              {question.choices.of.map(([value, name]) => <option key={value} value={value}>{name}</option>)}
            </select>
          </label>
        )}
        {needsToken && <TokenField />}
        {refusal !== null && <Refusal refusal={refusal} />}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
          <button type="submit" class="danger" disabled={isBusy}>{question.confirm}</button>
        </div>
      </form>
    </dialog>
  )
}
