// What a witness policy must not say although its syntax allows it (log page 4.11, R-44). Attack: one party with two
// algorithms fills `group 2`; the log's own 0x06 line, or the key of a signer or of the service, counts as a witness.

import { equalBytes } from '../bytes/equal.ts';
import { RonError } from '../errors.ts';
import { type PolicyProblem, type PolicyWitness, policyLabel, readPolicy, type WitnessPolicy } from './policy.ts';

/** A public key that is known to belong to somebody else than a witness. */
export interface KnownKey {
  /** e.g. `a service key`, `signer alice`. */
  readonly whose: string;
  readonly publicKey: Uint8Array;
}

/** Lines of one key name: one party, which must count as one. */
function lintParties(policy: WitnessPolicy): PolicyProblem[] {
  const parties = Map.groupBy(policy.witnesses, (one) => one.vkey.name);
  const together = (lines: readonly PolicyWitness[]): boolean =>
    policy.groups.some(
      (group) =>
        group.rule !== 'count' &&
        group.members.length === lines.length &&
        lines.every((one) => group.members.includes(one.name)),
    );
  return [...parties].flatMap(([name, lines]) => {
    if (lines.length < 2 || together(lines)) return [];
    const names = lines.map((one) => policyLabel(one.name)).join(' ');
    return [
      {
        line: lines[1]!.line,
        message: `${names} are keys of one witness (${name}); put them into a group of their own, \`group NAME any|all ${names}\`, and use that`,
      },
    ];
  });
}

/** Everything that R-44 forbids, by line. `known`: keys of the service, the log and the signers that are pinned here. */
export function lintPolicy(policy: WitnessPolicy, known: readonly KnownKey[] = []): PolicyProblem[] {
  const problems = lintParties(policy);
  for (const witness of policy.witnesses) {
    const { publicKey } = witness.vkey;
    const shown = policyLabel(witness.name);
    const log = policy.logs.find((one) => equalBytes(one.vkey.publicKey, publicKey));
    if (log !== undefined) {
      problems.push({ line: witness.line, message: `${shown} is the key of the log in line ${log.line}` });
    }
    if (log === undefined && policy.logs.some((one) => one.vkey.name === witness.vkey.name)) {
      problems.push({ line: witness.line, message: `${shown} has the name of a log, ${witness.vkey.name}` });
    }
    const other = log === undefined ? known.find((one) => equalBytes(one.publicKey, publicKey)) : undefined;
    if (other !== undefined) problems.push({ line: witness.line, message: `${shown} is the key of ${other.whose}` });
  }
  for (const log of policy.logs) {
    const other = known.find(
      (one) => !one.whose.startsWith('the log') && equalBytes(one.publicKey, log.vkey.publicKey),
    );
    if (other !== undefined) problems.push({ line: log.line, message: `the log key is the key of ${other.whose}` });
  }
  return problems.sort((a, b) => a.line - b.line);
}

const SHOWN = 8;

/** Reads and lints; throws Malformed (3) that names every line with a problem. `file` as the operator gave it. */
export function requirePolicy(bytes: Uint8Array, file: string, known: readonly KnownKey[] = []): WitnessPolicy {
  const { policy, problems } = readPolicy(bytes);
  const all = policy === null ? problems : lintPolicy(policy, known);
  if (policy !== null && all.length === 0) return policy;
  const lines = all.slice(0, SHOWN).map(({ line, message }) => `${line === 0 ? '' : `line ${line}: `}${message}`);
  const more = all.length > SHOWN ? `; and ${all.length - SHOWN} more` : '';
  throw new RonError('Malformed', `${file}: ${lines.join('; ')}${more}`, {
    field: '--policy',
    hint: 'Correct the witness policy; its form is in ronctl-witness(7).',
  });
}
