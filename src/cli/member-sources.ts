// `[ROLE=]ID|FILE,...` of `governance init` and `signers change`: a signer of this home by its id, else a bundle file.

import { RonError } from '../errors.ts';
import { REMOVAL_REASONS, type RemovalReason } from '../governance/actions.ts';
import { isSignerId, SIGNING_ROLES, type SigningRole } from '../governance/names.ts';
import { LIMITS } from '../limits.ts';
import type { MemberSource } from '../operations/governance/genesis-people.ts';
import type { Runtime } from './runtime.ts';

function roleOf(text: string): SigningRole {
  const role = SIGNING_ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw new RonError('InvalidValue', `--members: no such role: ${JSON.stringify(text)}`, {
    field: '--members',
    hint: `Roles: ${SIGNING_ROLES.join(', ')}`,
  });
}

/** A signer of this home by its id, else what exists as a file; another id is left to the operation, which names it. */
export async function memberSources(runtime: Runtime, text: string): Promise<MemberSource[]> {
  const sources: MemberSource[] = [];
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const role = equals < 0 ? null : roleOf(part.slice(0, equals));
    const from = part.slice(equals + 1);
    const { files } = runtime.host;
    const isHere = isSignerId(from) && files.info(`${runtime.home}/signers/${from}`) !== null;
    const isFile = !isHere && files.info(runtime.path(from)) !== null;
    const local = isHere || (isSignerId(from) && !from.endsWith('.json') && !isFile);
    const bundle = local ? null : await runtime.readInput(from, LIMITS.signedFileBytes);
    sources.push({ role, from, bundle });
  }
  return sources;
}

/** `ID=REASON` of `signers change`. */
export function removalReasons(given: readonly string[]): Map<string, RemovalReason> {
  return new Map(
    given.map((one) => {
      const equals = one.indexOf('=');
      const reason = REMOVAL_REASONS.find((known) => known === one.slice(equals + 1));
      if (equals > 0 && reason !== undefined) return [one.slice(0, equals), reason] as const;
      throw new RonError('InvalidValue', `--reason: ID=REASON is expected, not ${JSON.stringify(one)}`, {
        field: '--reason',
        hint: `Reasons: ${REMOVAL_REASONS.join(', ')}`,
      });
    }),
  );
}
