// The witness policy of a command: --policy, else audit.policy_file of the client configuration, relative to that file.

import { dirname, resolve } from 'node:path';
import { POLICY_BYTES_MAX } from '../audit/policy.ts';
import { RonError } from '../errors.ts';
import type { PolicySource } from '../operations/audit/witness-policy.ts';
import type { Runtime } from './runtime.ts';

/** Null when none is named. NotFound names the flag or the configuration key. */
export async function policySource(runtime: Runtime, flag: string | undefined): Promise<PolicySource | null> {
  if (flag !== undefined) return { name: flag, bytes: await runtime.readInput(flag, POLICY_BYTES_MAX) };
  const configured = runtime.config.audit.policy_file;
  if (configured === undefined) return null;
  const path = resolve(runtime.configFile === null ? runtime.home : dirname(runtime.configFile), configured);
  const bytes = runtime.host.files.read(path, POLICY_BYTES_MAX);
  if (bytes !== null) return { name: path, bytes };
  throw new RonError('NotFound', `there is no witness policy ${path}`, {
    field: 'audit.policy_file',
    hint: 'Correct audit.policy_file in the configuration, or give --policy.',
  });
}

/** The same where one is needed. */
export async function requiredPolicy(runtime: Runtime, flag: string | undefined): Promise<PolicySource> {
  const found = await policySource(runtime, flag);
  if (found !== null) return found;
  throw new RonError('Usage', 'a witness policy is needed', {
    field: '--policy',
    hint: 'Give --policy FILE, or set audit.policy_file in the configuration; its form is in ronctl-witness(7).',
  });
}
