// The witnesses of a server (`audit.policy_file`, log page 4.11): its policy is read and linted before anything is unsealed, and
// refused like every other part of the configuration.

import { POLICY_BYTES_MAX } from '../audit/policy.ts';
import type { PolicyJudge } from '../audit/policy-judge.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { Crypto } from '../crypto/provider.ts';
import { fail, RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { CosigningLoop } from '../kms/service/cosigning-loop.ts';
import type { Telemetry } from '../kms/telemetry.ts';
import { askWitness } from '../kms-client/witness-client.ts';
import { readPolicyFile } from '../operations/audit/witness-policy.ts';
import { homePaths } from '../storage/home.ts';
import { storeContext } from '../storage/store-deps.ts';

const FIELD = 'audit.policy_file';

/** Null without a policy. Throws RefusedConfig. */
export async function cosigningOf({
  host,
  home,
  crypto,
  config,
  telemetry,
}: {
  readonly host: Host;
  readonly home: string;
  readonly crypto: Crypto;
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
}): Promise<CosigningLoop | null> {
  const path = config.audit.policy_file;
  if (path === '') return null;
  const bytes = host.files.read(path, POLICY_BYTES_MAX);
  if (bytes === null) fail('RefusedConfig', `${FIELD}: there is no file ${path}`, { field: FIELD });
  const ctx = await storeContext({ host, home, crypto: async () => crypto });
  const paths = { ...homePaths(home), audit: config.audit.dir as ReturnType<typeof homePaths>['audit'] };
  let judge: PolicyJudge;
  try {
    judge = readPolicyFile({ files: ctx.files, crypto, paths }, { bytes, name: path });
  } catch (cause) {
    if (!(cause instanceof RonError) || cause.code !== 'Malformed') throw cause;
    return fail('RefusedConfig', `${FIELD}: ${cause.message}`, { field: FIELD, cause });
  }
  const { random, clock } = host;
  return new CosigningLoop({ files: ctx.files, random, clock, crypto, paths, telemetry, judge, ask: askWitness });
}
