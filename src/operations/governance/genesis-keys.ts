// Keys that stand in one ledger only. Refuses a genesis with signer keys of another ledger that this home pinned: a
// person's staging approvals must not execute in production.

import { RonError } from '../../errors.ts';
import type { Genesis } from '../../governance/genesis.ts';
import type { Auditor } from '../../governance/signer-set.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { listPins, readAuthority } from '../../storage/trust-pin.ts';

/**
 * Keys of a signer stand in one pinned ledger; one that supersedes the old ledger may use them again. Each component
 * counts alone, of members and auditors, also of those that came after the genesis.
 */
export function refuseReusedKeys(ctx: StoreContext, genesis: Genesis): void {
  const ours = new Set(identitiesOf(genesis).flatMap((one) => Object.values(one.keys)));
  for (const pin of listPins(ctx)) {
    if (pin.ledger_id === genesis.ledger_id || pin.ledger_id === genesis.supersedes?.ledger_id) continue;
    const { genesis: other, authority } = readAuthority(ctx, pin.ledger_id);
    if (other.genesis.supersedes?.ledger_id === genesis.ledger_id) continue;
    const twin = authority.sets
      .flatMap((set) =>
        identitiesOf({ members: set.members, ...(set.auditor === null ? {} : { auditor: set.auditor }) }),
      )
      .find((one) => Object.values(one.keys).some((key) => ours.has(key)));
    if (twin !== undefined) {
      throw new RonError(
        'Conflict',
        `the keys of ${twin.id} already stand in the ledger ${pin.ledger_id} (${pin.name})`,
        {
          field: 'members',
          hint: 'Make a signer of its own for this ledger, or name the old one with --supersedes.',
        },
      );
    }
  }
}

const identitiesOf = ({ members, auditor }: Pick<Genesis, 'members' | 'auditor'>): readonly Auditor[] => [
  ...members,
  ...(auditor === undefined ? [] : [auditor]),
];
