// Which local signer signs (store page 8, I-12): the one that was named; else the one local signer that holds the role; else
// the only local signer of the set; else AmbiguousSigner with the candidates. The role is always checked against the set.

import { RonError } from '../../errors.ts';
import { findMember, type Member, type SignerSet } from '../../governance/signer-set.ts';
import { signerIds } from '../../storage/signer-bundle-file.ts';
import type { StoreContext } from '../../storage/store-deps.ts';

export interface SignerWish {
  /** --signer, RONCTL_SIGNER or signer.default. */
  readonly signer: string | null;
  readonly role: string | null;
}

export function findSigner(ctx: StoreContext, set: SignerSet, wish: SignerWish): Member {
  const roles = [...new Set(set.members.map((one) => one.role))];
  if (wish.role !== null && !roles.some((one) => one === wish.role)) {
    throw new RonError('PolicyRefused', `nobody in the signer set has the role ${JSON.stringify(wish.role)}`, {
      field: '--role',
      hint: `Roles: ${roles.join(', ')}.`,
    });
  }
  const here = signerIds(ctx);
  if (wish.signer !== null) return checked(named(here, set, wish.signer), wish.role);
  const members = here.flatMap((id) => findMember(set, id) ?? []);
  const fitting = wish.role === null ? members : members.filter((one) => one.role === wish.role);
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length === 0 && members.length === 1) return checked(members[0]!, wish.role);
  const shown = members.map((one) => `${one.id} (${one.role})`).join(', ');
  throw new RonError(
    'AmbiguousSigner',
    fitting.length === 0 ? 'no signer of this home fits' : 'more than one signer of this home fits',
    {
      field: '--signer',
      hint: shown === '' ? `Signers here: ${here.join(', ') || 'none'}` : `Name one: ${shown}`,
    },
  );
}

function named(here: readonly string[], set: SignerSet, id: string): Member {
  if (!here.includes(id)) {
    throw new RonError('NotInitialised', `there is no signer ${id} in this home`, {
      field: '--signer',
      hint: `Signers here: ${here.join(', ') || 'none'}`,
    });
  }
  const member = findMember(set, id);
  if (member !== null) return member;
  throw new RonError('PolicyRefused', `${id} is no member of signer set epoch ${set.epoch}`, { field: '--signer' });
}

function checked(member: Member, role: string | null): Member {
  if (role === null || member.role === role) return member;
  throw new RonError('PolicyRefused', `${member.id} is ${member.role} in the signer set, not ${role}`, {
    field: '--role',
    hint: `Give --role ${member.role}, or leave it away.`,
  });
}
