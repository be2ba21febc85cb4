// `audit witness`, the witness side: shows the keys that a signer of this home cosigns with, and turns a request file into
// signature lines (air gap). The HTTP face of the same store is in cli/witness-serve.ts. Opens the signer store, no other.

import type { WitnessPolicy } from '../../audit/policy.ts';
import type { WitnessReply } from '../../audit/witness.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { parseVkey } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import { readLogFile } from '../../storage/audit-log-file.ts';
import { signerIds } from '../../storage/signer-bundle-file.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { storeContext } from '../../storage/store-deps.ts';
import { type WitnessIdentity, witnessDirectory, witnessIdentity } from '../../storage/witness-keys.ts';
import { witnessedLog } from '../../storage/witness-logs.ts';
import { WitnessStore } from '../../storage/witness-store.ts';
import type { OperationDeps } from '../deps.ts';
import { type PolicySource, readPolicyFile } from './witness-policy.ts';

export interface WitnessOptions {
  /** Null: the only signer of this home. */
  readonly signer: string | null;
  /** Key name to choose at the first use. */
  readonly name: string | undefined;
  /** Its log lines name logs beside the pinned ones. */
  readonly policy: PolicySource | null;
}

export interface OpenWitness {
  readonly signer: string;
  readonly identity: WitnessIdentity;
  readonly store: WitnessStore;
  close(): void;
}

type WitnessDeps = Pick<
  OperationDeps,
  'host' | 'home' | 'crypto' | 'passphrases' | 'lockTimeoutMs' | 'dryRun' | 'askYes'
>;

function chosenSigner(ids: readonly string[], wanted: string | null): string {
  if (wanted !== null) return wanted;
  if (ids.length === 1) return ids[0]!;
  if (ids.length === 0) {
    throw new RonError('NotInitialised', 'a witness cosigns with the keys of a signer, and this home has none', {
      hint: 'Make one: ronctl signer create ID',
    });
  }
  throw new RonError('AmbiguousSigner', `this home has the signers ${ids.join(', ')}`, { field: '--signer' });
}

/** Opens the signer, derives its witness keys, and closes it again: a witness that serves holds no signer store. */
export async function openWitness(options: WitnessOptions, deps: WitnessDeps): Promise<OpenWitness> {
  const ctx = await storeContext(deps);
  const signer = chosenSigner(signerIds(ctx), options.signer);
  const directory = witnessDirectory(ctx.paths.signer(signer));
  const policy: WitnessPolicy | null = options.policy === null ? null : readPolicyFile(ctx, options.policy).policy;
  const open = await openSigner(deps, signer, { dryRun: deps.dryRun });
  let identity: WitnessIdentity;
  try {
    identity = await witnessIdentity(ctx, open, { directory, wanted: options.name, write: !deps.dryRun });
  } finally {
    open.close();
  }
  const store = new WitnessStore(
    {
      files: ctx.files,
      random: ctx.random,
      clock: ctx.clock,
      crypto: ctx.crypto,
      locks: deps.host.locks,
      lockTimeoutMs: deps.lockTimeoutMs,
      directory,
      evidenceDirectory: ctx.paths.trustedLogs,
      logOf: (origin) => witnessedLog(ctx, policy, origin),
    },
    identity,
  );
  return { signer, identity, store, close: () => identity.destroy() };
}

export interface WitnessKeysResult {
  readonly mode: 'keys';
  readonly signer: string;
  /** Key name. */
  readonly name: string;
  /** [Ed25519 (04), ML-DSA-44 (06)]. */
  readonly vkeys: readonly string[];
  /** Lines for a witness policy: this witness, and the log of this home if it has one. */
  readonly policy_lines: readonly string[];
}

/** Names in a policy are free; the signer's id with what tells the two keys apart. */
function linesOf(id: string, [ed25519, mlDsa44]: readonly [string, string]): string[] {
  return [
    `witness ${id}-ed25519 ${ed25519}`,
    `witness ${id}-mldsa44 ${mlDsa44}`,
    `group ${id} any ${id}-ed25519 ${id}-mldsa44`,
  ];
}

export async function witnessKeys(options: WitnessOptions, deps: WitnessDeps): Promise<WitnessKeysResult> {
  const witness = await openWitness(options, deps);
  try {
    const { signer, identity } = witness;
    const { files, paths } = await storeContext(deps);
    const log = readLogFile(files, paths.audit)?.epochs.at(-1)?.keys.at(-1)?.vkeys ?? [];
    return {
      mode: 'keys',
      signer,
      name: identity.keys.name,
      vkeys: identity.vkeys,
      policy_lines: [...log.map((vkey) => `log ${parseVkey(vkey).text}`), ...linesOf(signer, identity.vkeys)],
    };
  } finally {
    witness.close();
  }
}

export interface WitnessRequestResult {
  readonly mode: 'cosign';
  readonly dry_run: boolean;
  readonly signer: string;
  readonly name: string;
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
  /** Signature lines; null in a dry run. */
  readonly lines: string | null;
}

const CODE = {
  400: 'Malformed',
  403: 'VerificationFailed',
  404: 'NoTrustedKey',
  409: 'Conflict',
  422: 'Tampered',
} as const;

const HINT: Readonly<Record<keyof typeof CODE, string>> = {
  400: 'Make the request again: ronctl audit prove --consistency SIZE',
  403: 'The log signs with other keys than are trusted here; ask its operators.',
  404: 'Pin its ledger with `ronctl governance trust`, or give --policy with its two log lines.',
  409: 'Make the request from that size: ronctl audit prove --consistency SIZE',
  422: 'Do not cosign it; keep the request file and tell the security officer.',
};

/** What a refusal of the protocol is on the command line. */
function refusal(reply: Exclude<WitnessReply, { readonly status: 200 }>): RonError {
  const where = reply.evidence === undefined ? '' : `; both notes are kept in ${reply.evidence}`;
  const field = reply.status === 422 ? 'fork' : '--cosign';
  return new RonError(CODE[reply.status], `${reply.message}${where}`, { field, hint: HINT[reply.status] });
}

/** `--cosign`: throws what the protocol would refuse with a status: 400 Malformed, 403, 404, 409 Conflict, 422 Tampered. */
export async function witnessRequest(
  request: WitnessOptions & { readonly body: Uint8Array },
  deps: WitnessDeps,
): Promise<WitnessRequestResult> {
  const witness = await openWitness(request, deps);
  try {
    const { signer, identity, store } = witness;
    const reply = deps.dryRun ? store.judge(request.body) : await store.answer(request.body);
    if (reply.status !== 200) throw refusal(reply);
    const { origin, size, root } = reply.checkpoint;
    const lines = deps.dryRun ? null : fromUtf8(reply.lines);
    const { name } = identity.keys;
    return { mode: 'cosign', dry_run: deps.dryRun, signer, name, origin, size, root: toHex(root), lines };
  } finally {
    witness.close();
  }
}
