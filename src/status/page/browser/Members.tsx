/** The members as a table: who they are, and when each was heard last. */
import * as Member from "../../../protocol/model/Member.ts"
import * as Evidence from "../Evidence.ts"
import * as Model from "../Model.ts"

interface Props {
  readonly model: Model.Model
  readonly onSelect: (id: string) => void
}

type SeenMember = NonNullable<ReturnType<typeof Model.memberOf>>

const heard = ({ asked, heard }: SeenMember): string =>
  heard === null
    ? "this server"
    : asked > 0
    ? `silent for ${Evidence.seconds(heard.ago)}, asked ${asked} of 5`
    : heard.via === "registry"
    ? `by the registry, ${Evidence.seconds(heard.ago)} ago`
    : `${Evidence.seconds(heard.ago)} ago`

export const Members = ({ model, onSelect }: Props) => {
  const members = model.status?.members ?? []
  const leader = Model.seenElection(model)?.reign?.leader.id
  return (
    <section class="members" aria-labelledby="members">
      <h2 id="members">
        Members <span class="count">{members.length}</span>
      </h2>
      <div class="scrolled" tabIndex={0} role="group" aria-labelledby="members">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Priority</th>
              <th scope="col">Heard</th>
              <th scope="col">Address</th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr key={member.id} class={member.asked > 0 ? "doubtful" : ""}>
                <th scope="row">
                  <button type="button" class="plain" onClick={() => onSelect(member.id)}>{member.name}</button>
                  {member.id === leader && <span class="badge">leads</span>}
                  {member.votes === false && <span class="badge">no vote</span>}
                </th>
                <td>{member.priority}</td>
                <td>{heard(member)}</td>
                <td>{Member.formatAddress(member)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
