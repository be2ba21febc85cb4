// A governed world for tests, with real keys of fixed seeds: signers, a genesis, proposals, statements, an in-memory ledger
// with a service that writes intents and receipts. No test double judges anything; everything goes through the product code.

import { toBase64Url } from '../../src/bytes/base64.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { toTime } from '../../src/bytes/time.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { SigningKey } from '../../src/crypto/provider.ts';
import { type Envelope, envelopeDigest, signedBytes } from '../../src/envelope/dsse.ts';
import { type DualSigningKeys, signDual } from '../../src/envelope/dual-signature.ts';
import type { Action } from '../../src/governance/actions.ts';
import { planFor } from '../../src/governance/execution-plan.ts';
import { buildGenesis, type Genesis, type VerifiedGenesis, verifyGenesis } from '../../src/governance/genesis.ts';
import { buildLine, type Intent, type LineBody, parseLine } from '../../src/governance/ledger.ts';
import { demandCurrent, tallyOf } from '../../src/governance/ledger-admit.ts';
import { applyLine, startLedger } from '../../src/governance/ledger-apply.ts';
import { baseSeq, type LedgerState } from '../../src/governance/ledger-state.ts';
import type { LogKeys, PublicKeys, SigningRole } from '../../src/governance/names.ts';
import { type Governed, outcome, viewHashOf } from '../../src/governance/outcome.ts';
import { buildPossession } from '../../src/governance/possession.ts';
import { buildProposal, type Proposal, setRef } from '../../src/governance/proposal.ts';
import { buildReceipt, coreOf } from '../../src/governance/receipt.ts';
import { riskFloorOf } from '../../src/governance/risk.ts';
import type { Member } from '../../src/governance/signer-set.ts';
import { buildStatement, type Purpose, type Statement } from '../../src/governance/statement.ts';
import type { Moment } from '../../src/host.ts';
import { buildChangeset } from '../../src/policy/change.ts';
import type { Profile } from '../../src/policy/profile.ts';
import { rollbackFor } from '../../src/policy/rollback.ts';
import { initialPolicy, type Scope } from '../../src/policy/state.ts';
import { testCrypto } from './crypto.ts';

export const crypto = testCrypto();

const seed = (label: string): Uint8Array => sha256(utf8(`ronctl test seed ${label}`));

export interface Signer {
  readonly id: string;
  readonly secret: DualSigningKeys;
  readonly keys: PublicKeys;
}

const made = new Map<string, Promise<Signer>>();

/** The signer of this label; `id` defaults to it. */
export function signer(label: string, id: string = label): Promise<Signer> {
  const known = made.get(`${label} ${id}`);
  if (known !== undefined) return known;
  const make = async (): Promise<Signer> => {
    const ed25519 = await crypto.signature('ed25519').importSecret(seed(`${label} ed25519`));
    const mlDsa = await crypto.signature('ml-dsa').importSecret(seed(`${label} ml-dsa`));
    const keys = { ed25519: toBase64Url(ed25519.publicKey), ml_dsa_65: toBase64Url(mlDsa.publicKey) };
    return { id, secret: { ed25519, mlDsa }, keys };
  };
  const promise = make();
  made.set(`${label} ${id}`, promise);
  return promise;
}

export interface LogSigner {
  readonly ed25519: SigningKey;
  readonly mlDsa44: SigningKey;
  readonly keys: LogKeys;
}

export async function logSigner(label = 'log'): Promise<LogSigner> {
  const ed25519 = await crypto.signature('ed25519').importSecret(seed(`${label} ed25519`));
  const mlDsa44 = await crypto.signature('ml-dsa-44').importSecret(seed(`${label} ml-dsa-44`));
  return {
    ed25519,
    mlDsa44,
    keys: { ed25519: toBase64Url(ed25519.publicKey), ml_dsa_44: toBase64Url(mlDsa44.publicKey) },
  };
}

export async function signAs(
  of: { readonly payloadType: string; readonly payload: Uint8Array },
  ...by: readonly Signer[]
): Promise<Envelope> {
  const signatures = [];
  for (const one of by) signatures.push(...(await signDual(crypto, of.payloadType, of.payload, one.id, one.secret)));
  return {
    payloadType: of.payloadType,
    payload: of.payload,
    signatures: signatures.sort((a, b) => (a.keyid < b.keyid ? -1 : 1)),
  };
}

export const START = Date.parse('2026-03-01T12:00:00.000Z');
export const at = (ms: number): string => toTime(START + ms);
export const moment = (ms: number): Moment => ({ wall: at(ms), boot_id: 'boot', boottime_ms: 1_000_000 + ms });
export const MIN = 60_000;
export const HOUR = 60 * MIN;

let counter = 0;
/** A nonce that differs at every call. */
export function freshNonce(): string {
  counter += 1;
  return toBase64Url(seed(`nonce ${counter}`).subarray(0, 16));
}

export const DEFAULT_ROLES: readonly (readonly [string, SigningRole])[] = [
  ['alice', 'policy-owner'],
  ['bob', 'security-officer'],
  ['carol', 'custodian'],
];

export interface WorldOptions {
  readonly profile?: Profile;
  readonly members?: readonly (readonly [string, SigningRole])[];
  readonly threshold?: number;
  readonly auditor?: string;
}

export async function genesisOf(
  options: WorldOptions = {},
): Promise<{ readonly envelope: Envelope; readonly genesis: Genesis; readonly verified: VerifiedGenesis }> {
  const profile = options.profile ?? 'dev';
  const roles = options.members ?? DEFAULT_ROLES;
  const signers = await Promise.all(roles.map(([id]) => signer(id)));
  const members: Member[] = roles.map(([id, role], index) => ({ id, role, keys: signers[index]!.keys }));
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  const service = await signer('service');
  const log = await logSigner();
  const auditor = options.auditor === undefined ? null : await signer(options.auditor);
  const built = buildGenesis({
    name: 'main',
    nonce: toBase64Url(seed('genesis nonce').subarray(0, 16)),
    profile,
    store_id: '0123456789abcdef0123456789abcdef',
    members,
    threshold: options.threshold ?? 2,
    ...(auditor === null ? {} : { auditor: { id: auditor.id, keys: auditor.keys } }),
    service_keys: service.keys,
    log_keys: log.keys,
    policy: initialPolicy(profile),
    created_at: at(0),
  });
  const envelope = await signGenesis(built, [...signers, ...(auditor === null ? [] : [auditor]), service], log);
  return { envelope, genesis: built.genesis, verified: verifyGenesis(crypto, envelope) };
}

export async function signGenesis(
  built: { readonly payloadType: string; readonly payload: Uint8Array },
  signers: readonly Signer[],
  log: LogSigner | null,
): Promise<Envelope> {
  const envelope = await signAs(built, ...signers);
  const message = signedBytes(built);
  const logSignatures =
    log === null
      ? []
      : [
          { keyid: 'log/ed25519', signature: await log.ed25519.sign(message) },
          { keyid: 'log/ml-dsa-44', signature: await log.mlDsa44.sign(message) },
        ];
  const signatures = [...envelope.signatures, ...logSignatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return { ...envelope, signatures };
}

export interface ProposeInput {
  readonly author?: string;
  readonly scope?: Scope;
  readonly changes?: readonly string[];
  readonly action?: Action;
  readonly atMs?: number;
  readonly lifeMs?: number;
  readonly patch?: Partial<Proposal>;
}

/** A governed ledger in memory. `line` appends anything; the rest builds what the product would build. */
export class World {
  readonly state: LedgerState;
  readonly lines: Uint8Array[] = [];
  readonly genesisEnvelope: Envelope;
  nowMs = HOUR;

  constructor(genesis: Envelope) {
    const { line, bytes } = buildLine(null, { ts: at(1), content: { type: 'genesis', body: genesis } });
    this.genesisEnvelope = genesis;
    this.lines.push(bytes);
    this.state = startLedger(crypto, line, bytes.length);
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    return new World((await genesisOf(options)).envelope);
  }

  line(content: LineBody, ts: string = at(this.nowMs)): void {
    const { line, bytes } = buildLine(this.state, { ts, content });
    applyLine(this.state, line, bytes.length, crypto);
    this.lines.push(bytes);
  }

  content(input: ProposeInput): Omit<Proposal, 'id' | 'kind' | 'quorum' | 'decide_by' | 'digest_alg'> {
    const { governed } = this.state;
    const scope = input.scope ?? 'global';
    const createdMs = input.atMs ?? this.nowMs;
    const expires = createdMs + (input.lifeMs ?? 24 * HOUR);
    const changeset =
      input.action === undefined
        ? buildChangeset(
            (input.changes ?? ['keys.rotate_max_days=80']).map((one) => ({
              key: one.split('=')[0]!,
              text: one.split('=')[1]!,
            })),
            governed.policy,
            scope,
            governed.profile,
          ).changeset
        : [];
    const actions = input.action === undefined ? [] : [input.action];
    const clause =
      input.action === undefined
        ? rollbackFor(null, { changeset, scope, before: governed.policy, profile: governed.profile })
        : null;
    const pq = changeset.some((one) => one.key.startsWith('pq.'));
    return {
      ledger_id: this.state.ledgerId,
      author: input.author ?? 'alice',
      scope,
      rationale: 'because',
      changeset,
      actions,
      risk: { level: riskFloorOf({ scope, changeset, actions }, governed.policy), text: '' },
      rollback: clause === null ? 'none' : { changeset: clause, valid_for_s: 86_400 },
      signer_set: setRef(governed.set),
      base_state: { seq: baseSeq(this.state, scope), hash: viewHashOf(governed, scope) },
      expected_state_hash: viewHashOf(outcome(governed, { scope, changeset, actions }), scope),
      ...(pq
        ? { change_window: { not_before: at(createdMs), not_after: at(Math.min(expires, createdMs + 24 * HOUR)) } }
        : {}),
      created_at: at(createdMs),
      expires_at: at(expires),
      attachments: [],
      nonce: freshNonce(),
      ...input.patch,
    };
  }

  async proposal(input: ProposeInput = {}): Promise<Envelope> {
    const content = this.content(input);
    return signAs(buildProposal(content), await signer(content.author));
  }

  async propose(input: ProposeInput = {}): Promise<string> {
    const envelope = await this.proposal(input);
    this.line({ type: 'proposal', body: envelope });
    return [...this.state.index.values()].find((one) => one.digest === envelopeDigest(envelope))!.id;
  }

  async statement(purpose: Purpose, by: string, id: string, patch: Partial<Statement> = {}): Promise<Envelope> {
    const entry = this.state.index.get(id)!;
    const member = this.state.governed.set.members.find((one) => one.id === by);
    const built = buildStatement({
      purpose,
      refs: [],
      proposal_id: id,
      proposal_digest: entry.digest,
      ledger_id: this.state.ledgerId,
      signer_set_hash: this.state.open.get(id)?.proposal.body.signer_set.hash ?? setRef(this.state.governed.set).hash,
      role: member?.role ?? 'policy-owner',
      signer: by,
      signed_at: at(this.nowMs),
      nonce: freshNonce(),
      seen: {
        ledger_seq: this.state.seq,
        ledger_hash: this.state.hash,
        checkpoint: { origin: 'test/log/e0', size: 1, root: '0'.repeat(64) },
      },
      ...patch,
    });
    return signAs(built, await signer(by));
  }

  /** Signs and appends a statement; returns its digest. */
  async vote(purpose: Purpose, by: string, id: string, patch: Partial<Statement> = {}): Promise<string> {
    const envelope = await this.statement(purpose, by, id, patch);
    this.line({ type: 'statement', body: envelope });
    return envelopeDigest(envelope);
  }

  async possession(id: string, of: Signer, role: string): Promise<Envelope> {
    const built = buildPossession({
      ledger_id: this.state.ledgerId,
      proposal_digest: this.state.index.get(id)!.digest,
      member: { id: of.id, role, keys: of.keys },
    });
    return signAs(built, of);
  }

  intent(id: string, patch: Partial<Intent> = {}): Intent {
    const open = this.state.open.get(id)!;
    const { body, digest } = open.proposal;
    return {
      proposal_digest: digest,
      statements: tallyOf(this.state, open).approvalDigests,
      judged_at: moment(this.nowMs),
      plan: planFor(digest, body.actions[0] ?? null),
      ...patch,
    };
  }

  async receipt(id: string, intent: Intent, service = 'service', outcome?: Governed): Promise<Envelope> {
    const open = this.state.open.get(id)!;
    const { scope } = open.proposal.body;
    const after = outcome ?? this.state.executing?.after ?? demandCurrent(this.state, open);
    const core = coreOf(intent, {
      ledgerId: this.state.ledgerId,
      stateBefore: viewHashOf(this.state.governed, scope),
      stateAfter: viewHashOf(after, scope),
      indexes: intent.plan.map((one) => 100 + one.n),
      executedBy: 'local:0:test',
    });
    return signAs(
      buildReceipt({ ...core, audit: { origin: 'test/log/e0', index: 100 + intent.plan.length - 1 } }),
      await signer(service, 'service'),
    );
  }

  /** Intent and receipt, as an execution writes them. */
  async execute(id: string, service = 'service'): Promise<void> {
    const intent = this.intent(id);
    this.line({ type: 'intent', body: intent });
    this.line({ type: 'execution', body: await this.receipt(id, intent, service) });
  }
}

/** The ledger of a world, read again from its lines. */
export function replay(world: World): LedgerState {
  let state: LedgerState | null = null;
  for (const bytes of world.lines) {
    const line = parseLine(bytes, state);
    if (state === null) state = startLedger(crypto, line, bytes.length);
    else applyLine(state, line, bytes.length, crypto);
  }
  return state!;
}
