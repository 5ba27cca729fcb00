/** Holds the page's model, and tells when it has changed: at most once a frame. */
import * as Model from "../Model.ts"

/** The one place where the model is changed. */
export interface Store {
  readonly get: () => Model.Model
  readonly send: (happening: Model.Happening) => void
  readonly listen: (listener: (model: Model.Model) => void) => () => void
}

export const make = (): Store => {
  let model = Model.empty
  let isDue = false
  const listeners = new Set<(model: Model.Model) => void>()
  const tell = () => {
    isDue = false
    for (const listener of listeners) listener(model)
  }
  return {
    get: () => model,
    send: (happening) => {
      const next = Model.update(model, happening)
      if (next === model) return
      model = next
      // A page that is not seen gets no frames, and needs none.
      if (!isDue) requestAnimationFrame(tell)
      isDue = true
    },
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
}
