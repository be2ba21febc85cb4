// The people of a new genesis (governance page 3): signers of this home and bundle files, with their roles. Nothing is unsealed,
// so that what is wrong with a name or a file is said before anybody is asked for a passphrase. Refuses what is neither a
// signer nor a bundle, roles left out otherwise than for three members, one person or one key twice, a single role.

import { RonError } from '../../errors.ts';
import { isSignerId, SIGNING_ROLES, type SigningRole } from '../../governance/names.ts';
import { parseSignerBundle, type VerifiedBundle } from '../../governance/signer-bundle.ts';
import { type Auditor, checkPeople, type Member } from '../../governance/signer-set.ts';
import { readSignerBundle, signerIds } from '../../storage/signer-bundle-file.ts';
import type { StoreContext } from '../../storage/store-deps.ts';

export interface MemberSource {
  readonly role: SigningRole | null;
  /** A local signer, or a bundle file by name and content. */
  readonly from: string;
  readonly bundle: Uint8Array | null;
}

export interface GenesisPeople {
  /** Sorted by id. */
  readonly members: readonly Member[];
  readonly auditor: Auditor | null;
  /** Ids whose signer store with these keys is in this home. */
  readonly local: readonly string[];
  /** Ids that sign on another machine. */
  readonly elsewhere: readonly string[];
}

export function peopleOf(
  ctx: StoreContext,
  sources: { readonly members: readonly MemberSource[]; readonly auditor: MemberSource | null },
): GenesisPeople {
  const members = membersOf(ctx, sources.members);
  const auditor = sources.auditor === null ? null : auditorOf(ctx, sources.auditor);
  checkPeople({ members, auditor });
  const everyone: readonly Auditor[] = auditor === null ? members : [...members, auditor];
  const local = localSigners(ctx, everyone);
  const elsewhere = everyone.map((one) => one.id).filter((id) => !local.includes(id));
  return { members, auditor, local, elsewhere };
}

const DEFAULT_ROLES: readonly SigningRole[] = ['policy-owner', 'security-officer', 'custodian'];

function bundleOf(ctx: StoreContext, source: MemberSource, field = '--members'): VerifiedBundle {
  if (source.bundle !== null) return parseSignerBundle(ctx.crypto, source.bundle, source.from);
  if (isSignerId(source.from) && signerIds(ctx).includes(source.from)) return readSignerBundle(ctx, source.from);
  throw new RonError('NotFound', `${source.from} is neither a signer of this home nor a file`, {
    field,
    hint: `Signers here: ${signerIds(ctx).join(', ') || 'none'}`,
  });
}

function membersOf(ctx: StoreContext, sources: readonly MemberSource[]): Member[] {
  const roleless = sources.filter((one) => one.role === null).length;
  if (roleless > 0 && (roleless !== 3 || sources.length !== 3)) {
    throw new RonError('Usage', 'roles may be left out for exactly three members', {
      field: '--members',
      hint: `Write ROLE=ID with ROLE of ${SIGNING_ROLES.join(', ')}.`,
    });
  }
  return sources
    .map((source, index): Member => {
      const { bundle } = bundleOf(ctx, source);
      return { id: bundle.id, role: source.role ?? DEFAULT_ROLES[index]!, keys: bundle.keys };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function auditorOf(ctx: StoreContext, source: MemberSource): Auditor {
  const { bundle } = bundleOf(ctx, source, '--auditor');
  return { id: bundle.id, keys: bundle.keys };
}

function localSigners(ctx: StoreContext, people: readonly Auditor[]): string[] {
  const here = signerIds(ctx);
  return people
    .filter((one) => here.includes(one.id) && readSignerBundle(ctx, one.id).bundle.keys.ed25519 === one.keys.ed25519)
    .map((one) => one.id);
}
