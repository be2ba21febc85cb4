// The server's configuration against the policy of the ledger (R-34, C-74): for every key of the registry a configured value
// may be equal or tighter by the registry's direction, where there is none it must be equal; what nobody configured follows
// the ledger. Before adoption only `pq.*` is judged, against the start phase of the profile (service page 7). Exceptions and
// rollback clauses do not count: they end. Attack: a restart or SIGHUP with a looser file or variable bypasses the quorum.

import type { Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { effective } from '../policy/effective.ts';
import type { LocalPolicy } from '../policy/local.ts';
import type { Judged, Overlay } from '../policy/overlay.ts';
import { rowOf } from '../policy/registry.ts';
import { own, type PolicyState, pqOf } from '../policy/state.ts';
import { compare, formatValue } from '../policy/value.ts';
import { PHASES, type PqState, phaseFromInputs, settled } from '../rollout/phases.ts';
import { comparePq } from '../rollout/transitions.ts';
import type { LoadedServerConfig, ServerConfig } from './server-config.ts';
import { type Member, type ServerKey, serverKeys } from './server-keys.ts';
import { isConfigured, memberOf, withMembers } from './server-merge.ts';
import type { Violation } from './server-sources.ts';
import type { Value } from './server-value.ts';

export interface LedgerPolicy {
  readonly governed: boolean;
  /** As messages and origins name it: `ledger <id>`, `home.json`. */
  readonly name: string;
  readonly profile: string;
  readonly policy: PolicyState;
  readonly overlays: readonly Overlay[];
}

export interface Tightened {
  /** Canonical name in the registry; `pq.phase` and `pq.rollout_percent` are told apart by `pq` only. */
  readonly key: string;
  readonly ledger: Json;
  readonly configured: Json;
  readonly origin: string;
}

export interface LedgerJudgement {
  readonly violations: readonly Violation[];
  /** What nobody configured has the ledger's value. */
  readonly config: ServerConfig;
  readonly origins: ReadonlyMap<string, string>;
  /** Configured values that this process keeps tighter than the ledger. */
  readonly tightened: readonly Tightened[];
  /** What this process holds beside the ledger. */
  readonly local: LocalPolicy;
}

const PQ_MEMBERS: readonly Member[] = ['pq.verify_mode', 'pq.produce_hybrid', 'pq.rollout_percent'];

type Origins = ReadonlyMap<string, string>;

/** The PQ state that configuration asks for, where it says something. Throws InvalidValue for a combination that cannot be. */
export function configuredPq(config: ServerConfig, current: PqState): PqState | null {
  const { verify_mode: mode, produce_hybrid: produce, rollout_percent: percent } = config.pq;
  if (mode === null && produce === null && percent === null) return null;
  const phase = phaseFromInputs(
    {
      ...(mode === null ? {} : { verify_mode: mode }),
      ...(produce === null ? {} : { produce_hybrid: String(produce) }),
    },
    current,
  );
  const wanted = percent ?? (phase === current.phase ? current.percent : 100);
  if (wanted === 100) return settled(phase);
  if (phase === 0) {
    throw new RonError('InvalidValue', 'phase 0 is always at 100 percent', { field: 'pq.rollout_percent' });
  }
  return { phase, base_phase: (phase - 1) as PqState['phase'], percent: wanted };
}

const pqText = ({ phase, percent }: PqState): string =>
  `phase ${phase} (${PHASES[phase].mode})${percent === 100 ? '' : ` at ${percent} %`}`;

interface Judging {
  readonly config: ServerConfig;
  readonly origins: Origins;
  readonly ledger: LedgerPolicy;
}

function looser(row: ServerKey, origin: string, configured: string, ledger: LedgerPolicy, value: string): Violation {
  return {
    code: 'RefusedConfig',
    key: row.key,
    origin,
    message: `${origin}: ${row.key} = ${configured} is not within ${value}, which ${ledger.name} says`,
    hint: `Remove it from ${origin}; to change it for everybody: \`ronctl governance propose\`.`,
  };
}

function judgePq(
  judging: Judging,
  approved: PqState,
): { readonly pq: PqState | null; readonly violations: Violation[]; readonly tightened: Tightened[] } {
  const { config, origins, ledger } = judging;
  const rows = serverKeys().filter((row) => PQ_MEMBERS.includes(row.member) && isConfigured(origins.get(row.key)));
  const [row] = rows;
  const none = { pq: null, violations: [], tightened: [] };
  if (row === undefined) return none;
  const places = rows.map((one) => origins.get(one.key)!).join(', ');
  let wanted: PqState | null;
  try {
    wanted = configuredPq(config, approved);
  } catch (thrown) {
    if (!(thrown instanceof RonError)) throw thrown;
    const message = `${places}: ${thrown.message}`;
    const hint = thrown.hint ?? 'Correct the pq.* keys.';
    return { ...none, violations: [{ code: 'InvalidValue', key: row.key, origin: places, message, hint }] };
  }
  if (wanted === null) return none;
  const order = comparePq(wanted, approved);
  if (order < 0) {
    const shown = rows.map((one) => `${one.key} = ${String(memberOf(config, one.member))}`).join(', ');
    const refused = looser(row, places, '', ledger, '');
    const message = `${places}: ${shown} means ${pqText(wanted)}, looser than ${pqText(approved)}, which ${ledger.name} says`;
    return { ...none, violations: [{ ...refused, message }] };
  }
  if (order === 0) return none;
  const pair = ({ phase, percent }: PqState): Json => ({ percent, phase });
  return {
    pq: wanted,
    violations: [],
    tightened: [{ key: 'pq.phase', ledger: pair(approved), configured: pair(wanted), origin: places }],
  };
}

/** Rows of the table that stand for a row of the registry, PQ state aside. */
function governedRows(): readonly (ServerKey & { readonly registry: string })[] {
  return serverKeys().filter(
    (row): row is ServerKey & { readonly registry: string } =>
      row.registry !== undefined && !PQ_MEMBERS.includes(row.member),
  );
}

/** What the ledger says about a registry key globally, tunes included; null where it says nothing. */
function ledgerValues({ policy, overlays }: LedgerPolicy, judged: Judged): (key: string) => Json | null {
  const values = effective(
    policy,
    null,
    overlays.filter(({ kind }) => kind === 'tune'),
    judged,
  ).values;
  return (key) => values.get(key)?.value ?? own(policy.global, key) ?? null;
}

const ALLOWED = 'service.allowed_algs';

/** `pq.sign_algo = "slh-dsa"`: this process makes no key of ML-DSA alone. Nothing to leave out is no violation. */
function withSignAlgo(judgement: LedgerJudgement): LedgerJudgement {
  const { config, origins, tightened, local } = judgement;
  const allowed = config.service.allowed_algs;
  const kept = allowed.filter((alg) => alg !== 'ml-dsa');
  if (config.pq.sign_algo !== 'slh-dsa' || kept.length === allowed.length) return judgement;
  const origin = origins.get('pq.sign_algo')!;
  if (kept.length === 0) {
    const message = `${origin}: pq.sign_algo = slh-dsa leaves nothing of ${ALLOWED} = ${allowed.join(',')}`;
    const hint = 'Use pq.sign_algo = "ml-dsa", or allow slh-dsa.';
    const violation: Violation = { code: 'RefusedConfig', key: 'pq.sign_algo', origin, message, hint };
    return { ...judgement, violations: [...judgement.violations, violation] };
  }
  const before = tightened.find(({ key }) => key === ALLOWED);
  return {
    ...judgement,
    config: withMembers(config, [[ALLOWED, kept]]),
    tightened: [
      ...tightened.filter((one) => one !== before),
      { key: ALLOWED, ledger: before?.ledger ?? allowed, configured: kept, origin: before?.origin ?? origin },
    ],
    local: { ...local, values: { ...local.values, [ALLOWED]: kept } },
  };
}

/** Judges a merged configuration; `violations` is empty when the server may start with `config`. */
export function judgeAgainstLedger(
  loaded: Pick<LoadedServerConfig, 'config' | 'origins'>,
  ledger: LedgerPolicy,
  judged: Judged,
): LedgerJudgement {
  const { config, origins } = loaded;
  const profileOrigin = origins.get('profile') ?? 'default';
  const violations: Violation[] = [];
  if (config.profile !== ledger.profile) {
    violations.push({
      code: 'RefusedConfig',
      key: 'profile',
      origin: profileOrigin,
      message: `${profileOrigin}: profile ${config.profile} is not ${ledger.profile}, which ${ledger.name} says`,
      hint: 'Leave the profile away; only the home or its genesis names it.',
    });
  }
  const {
    pq,
    violations: ofPq,
    tightened: tighterPq,
  } = judgePq({ config, origins, ledger }, pqOf(ledger.policy, 'global'));
  violations.push(...ofPq);
  if (!ledger.governed) {
    const values = Object.fromEntries(
      governedRows()
        .filter(({ key }) => isConfigured(origins.get(key)))
        .map(({ registry, member }) => [registry, memberOf(config, member) as Json]),
    );
    return withSignAlgo({ violations, config, origins, tightened: tighterPq, local: { pq, values } });
  }

  const ledgerValue = ledgerValues(ledger, judged);
  const tightened = [...tighterPq];
  const followed: [Member, Value][] = [];
  const newOrigins = new Map(origins);
  for (const row of governedRows()) {
    const governing = rowOf(row.registry)!;
    const approved = ledgerValue(row.registry);
    if (approved === null) continue;
    const configured = memberOf(config, row.member) as Json;
    const origin = origins.get(row.key) ?? 'default';
    if (!isConfigured(origin)) {
      followed.push([row.member, approved as Value]);
      newOrigins.set(row.key, ledger.name);
      continue;
    }
    const comparison = compare(governing, approved, configured);
    if (comparison === 'tighter') tightened.push({ key: row.registry, ledger: approved, configured, origin });
    else if (comparison !== 'equal') {
      violations.push(looser(row, origin, formatValue(configured), ledger, formatValue(approved)));
    }
  }
  const values = Object.fromEntries(
    tightened.filter(({ key }) => key !== 'pq.phase').map(({ key, configured }) => [key, configured]),
  );
  return withSignAlgo({
    violations,
    config: withMembers(config, followed),
    origins: newOrigins,
    tightened,
    local: { pq, values },
  });
}
