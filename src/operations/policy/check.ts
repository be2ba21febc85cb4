// `policy check`: does a server configuration stay within the policy in force in this home (R-34, C-74)? A file is judged
// alone; without one it is what `kms serve` would start with here, environment included. Looser is PolicyRefused (16),
// naming both values and their origins.

import type { Json } from '../../bytes/canonical-json.ts';
import { readConfigText } from '../../config/config-text.ts';
import { judgeAgainstLedger, type LedgerJudgement } from '../../config/server-ledger.ts';
import { mergeServerConfig } from '../../config/server-merge.ts';
import type { Violation } from '../../config/server-sources.ts';
import { RonError } from '../../errors.ts';
import type { ConfigFile } from '../config/check.ts';
import { violationError } from '../config/get.ts';
import { fixedBy, type HomePolicy, homePolicy, judgedServerConfig } from '../config/home-policy.ts';
import type { OperationDeps } from '../deps.ts';

export interface PolicyCheckResult {
  /** The file that was judged; null = none was found or named. */
  readonly file: string | null;
  readonly governed: boolean;
  readonly profile: string;
  readonly ledger_id: string | null;
  readonly within: boolean;
  /** Looser than the policy. */
  readonly violations: readonly Violation[];
  /** Wrong by itself. */
  readonly refused: readonly Violation[];
  /** Tighter than the policy: counts in that server only. */
  readonly tighter: readonly {
    readonly key: string;
    readonly policy: Json;
    readonly configured: Json;
    readonly origin: string;
  }[];
}

type Deps = Pick<OperationDeps, 'host' | 'home' | 'crypto'>;

interface Judged {
  readonly file: string | null;
  readonly policy: HomePolicy;
  readonly judgement: LedgerJudgement;
  readonly refused: readonly Violation[];
}

function noPolicy(home: string): RonError {
  return new RonError('NotInitialised', `${home} holds no policy to check against`, {
    hint: 'Run `ronctl init --profile P`, or name the home of the server: RONCTL_HOME.',
  });
}

async function judgeFile(file: ConfigFile, deps: Deps): Promise<Judged> {
  const policy = await homePolicy(deps);
  if (policy === null) throw noPolicy(deps.home);
  const merged = mergeServerConfig({
    flags: {},
    env: null,
    cwd: deps.host.env.cwd,
    home: deps.home,
    fixed: fixedBy(policy),
    file: { text: await readConfigText(file.text, file.name), name: file.name, directory: file.directory },
  });
  const judgement = judgeAgainstLedger(merged, policy, policy.judged);
  return { file: file.name, policy, judgement, refused: merged.violations };
}

async function judgeHome(deps: Deps): Promise<Judged> {
  const { policy, judgement, violations, file } = await judgedServerConfig({}, deps, { inMemoryToo: true });
  if (policy === null || judgement === null) throw noPolicy(deps.home);
  return { file, policy, judgement, refused: violations };
}

export async function policyCheck(
  file: ConfigFile | null,
  deps: Deps,
): Promise<{ readonly result: PolicyCheckResult; readonly error: RonError | undefined }> {
  const {
    policy,
    judgement,
    refused,
    file: name,
  } = file === null ? await judgeHome(deps) : await judgeFile(file, deps);
  const { violations, tightened } = judgement;
  const result: PolicyCheckResult = {
    file: name,
    governed: policy.governed,
    profile: policy.profile,
    ledger_id: policy.ledgerId,
    within: violations.length === 0 && refused.length === 0,
    violations,
    refused,
    tighter: tightened.map((one) => ({
      key: one.key,
      policy: one.ledger,
      configured: one.configured,
      origin: one.origin,
    })),
  };
  const [first] = violations;
  if (refused.length > 0 || first === undefined) return { result, error: violationError(refused, 'not accepted') };
  const more = violations.length === 1 ? '' : ` (and ${violations.length - 1} more)`;
  const error = new RonError('PolicyRefused', `${first.message}${more}`, { field: first.key, hint: first.hint });
  return { result, error };
}
