// Older and foreign names of the server's configuration (C-32, CFG-57, CFG-58, MQ-06, MQ-07): names that mean one or more
// current keys in another form, overlays of profile micronode, and names that are recognised only to be refused with what
// to do instead. Plain renames stand in the table (server-keys.ts).

import type { Member } from './server-keys.ts';
import type { Value } from './server-value.ts';

/** Older names are removed in this version; until then they warn. */
export const REMOVED_IN = '1.1.0';

export interface CompoundAlias {
  /** Variable, or dotted name in the file. */
  readonly name: string;
  readonly where: 'env' | 'file';
  /** Counts under this profile only. */
  readonly profile?: 'micronode';
  /** A documented overlay is no deprecated name. */
  readonly current?: true;
  /** Current names, for the warning. */
  readonly replacement: string;
  /** Words that are accepted, each with what it means; `and` differs by profile. */
  readonly means: (text: string, profile: string) => readonly (readonly [member: Member, value: Value])[] | null;
}

const TRUE = new Set(['true', '1']);
const FALSE = new Set(['false', '0']);

const switched =
  (member: Member, invert = false) =>
  (text: string): readonly (readonly [Member, Value])[] | null =>
    TRUE.has(text) ? [[member, !invert]] : FALSE.has(text) ? [[member, invert]] : null;

/** `pq.mode`: one word for two keys. `hybrid` asks for both tracks, and for both to hold on a macronode (C-34). */
function pqMode(text: string, profile: string): readonly (readonly [Member, Value])[] | null {
  const both = (produce: boolean, mode: string): readonly (readonly [Member, Value])[] => [
    ['pq.produce_hybrid', produce],
    ['pq.verify_mode', mode],
  ];
  switch (text) {
    case 'off':
      return both(false, 'or');
    case 'hybrid':
      return both(true, profile === 'macronode' ? 'and' : 'or');
    case 'or':
    case 'and':
      return both(true, text);
    case 'pq_only':
    case 'pq-only':
      return both(true, 'pq_only');
    default:
      return null;
  }
}

const signAlgo = (text: string): readonly (readonly [Member, Value])[] | null =>
  text === 'ml-dsa' || text === 'slh-dsa' ? [['pq.sign_algo', text]] : null;

const days = (text: string): readonly (readonly [Member, Value])[] | null =>
  /^[1-9]\d?$/.test(text) && Number(text) <= 90 ? [['keys.rotate_max_days', Number(text)]] : null;

const PQ_MODE = { replacement: 'pq.verify_mode and pq.produce_hybrid', means: pqMode };

export const COMPOUND_ALIASES: readonly CompoundAlias[] = [
  { name: 'pq.mode', where: 'file', ...PQ_MODE },
  { name: 'RON_KMS_PQ_MODE', where: 'env', ...PQ_MODE },
  { name: 'KMS_PQ_MODE', where: 'env', ...PQ_MODE },
  {
    name: 'security.pq_hybrid',
    where: 'file',
    profile: 'micronode',
    replacement: 'pq.produce_hybrid',
    means: switched('pq.produce_hybrid'),
  },
  {
    name: 'security.pq_sign_algo',
    where: 'file',
    profile: 'micronode',
    replacement: 'pq.sign_algo',
    means: signAlgo,
  },
  {
    name: 'security.pq_only',
    where: 'file',
    profile: 'micronode',
    replacement: 'tls.pq_only',
    means: switched('tls.pq_only'),
  },
  {
    name: 'security.key_rotation_days',
    where: 'file',
    profile: 'micronode',
    replacement: 'keys.rotate_max_days',
    means: days,
  },
  {
    name: 'PQ_HYBRID',
    where: 'env',
    profile: 'micronode',
    current: true,
    replacement: 'RON_KMS_PQ_PRODUCE_HYBRID',
    means: switched('pq.produce_hybrid'),
  },
  {
    name: 'PQ_SIGN_ALGO',
    where: 'env',
    profile: 'micronode',
    current: true,
    replacement: 'RON_KMS_PQ_SIGN_ALGO',
    means: signAlgo,
  },
  {
    name: 'PQ_ONLY',
    where: 'env',
    profile: 'micronode',
    current: true,
    replacement: 'RON_KMS_TLS_PQ_ONLY',
    means: switched('tls.pq_only'),
  },
  {
    name: 'MICRO_PERSIST',
    where: 'env',
    profile: 'micronode',
    current: true,
    replacement: 'RON_KMS_AMNESIA (the opposite)',
    means: switched('service.amnesia', true),
  },
];

const GRPC = 'There is no gRPC; use bind_addr and the HTTP API.';
const OAP = 'There is no OAP transport; use bind_addr and the HTTP API.';
const HARDWARE = 'Hardware backends are not part of this version; use backend "file".';

/** Variables that are refused when they are set. */
export const REFUSED_VARIABLES: Readonly<Record<string, string>> = {
  X0TTA6BL4_PRODUCTION: 'Use RON_KMS_PROFILE=macronode.',
  X0TTA6BL4_ALLOW_MOCK_PQC: 'There is no mock; leave it away. RON_KMS_CRYPTO_PROVIDER=noble cross-checks in dev.',
  X0TTA6BL4_DISABLE_PQC: 'Propose it: `ronctl governance propose --change pq_mode=or`.',
  KMS_GRPC_ADDR: GRPC,
  RON_KMS_GRPC_ADDR: GRPC,
  KMS_ENABLE_GRPC: GRPC,
  RON_KMS_ENABLE_GRPC: GRPC,
};

/** Tables and keys of the file that are refused by name. */
export const REFUSED_KEYS: Readonly<Record<string, string>> = {
  oap: OAP,
  grpc: GRPC,
  grpc_addr: GRPC,
  'backends.tpm': HARDWARE,
  'backends.cloud': HARDWARE,
};

/** What replaces a refused variable; null for one that is none of ours. */
export function refusedVariable(name: string): string | null {
  if (Object.hasOwn(REFUSED_VARIABLES, name)) return REFUSED_VARIABLES[name]!;
  return name.startsWith('X0TTA6BL4_')
    ? 'Use RON_KMS_PROFILE and the RON_KMS_* variables; `ronctl config sample ron-kms` lists them.'
    : null;
}
