// `governance init` (governance page 3, I-11): draft a genesis on the custody machine, sign a draft elsewhere, adopt it with
// all signatures. With local signers and no output the three run at once. Adoption ends the ungoverned state for ever.
// Refuses: a governed store (Conflict), a profile, store id or keys of another store, signer keys that already stand in a
// genesis that this home pinned (a person's staging approvals must not execute in production).

import { toBase64Url } from '../../bytes/base64.ts';
import { within } from '../../bytes/decode.ts';
import { toTime } from '../../bytes/time.ts';
import type { Crypto } from '../../crypto/provider.ts';
import {
  type Envelope,
  type EnvelopeSignature,
  envelopeDigest,
  envelopeFile,
  parseEnvelope,
} from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import { fingerprintWords } from '../../envelope/fingerprint.ts';
import { RonError } from '../../errors.ts';
import {
  buildGenesis,
  type Genesis,
  genesisSignatures,
  mergeGenesis,
  parseGenesis,
  type VerifiedGenesis,
  verifyGenesis,
} from '../../governance/genesis.ts';
import { isSignerId, SIGNING_ROLES, type SigningRole } from '../../governance/names.ts';
import { dualKeys } from '../../governance/signatures.ts';
import { parseSignerBundle, type VerifiedBundle } from '../../governance/signer-bundle.ts';
import type { Auditor, Member } from '../../governance/signer-set.ts';
import { adopt } from '../../kms/service/governance-acts.ts';
import { openSession, type Session } from '../../kms/service/session.ts';
import { LIMITS } from '../../limits.ts';
import { buildChangeset, parseChange } from '../../policy/change.ts';
import { parseProfile } from '../../policy/profile.ts';
import { initialPolicy, type PolicyState } from '../../policy/state.ts';
import { openSigner, readSignerBundle, signerIds } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { listPins, readAuthority, writePin } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { custodyIdentity } from './custody-signing.ts';
import { checkpointOf } from './head-proof.ts';

export interface MemberSource {
  readonly role: SigningRole | null;
  /** A local signer, or a bundle file by name and content. */
  readonly from: string;
  readonly bundle: Uint8Array | null;
}

export interface DraftRequest {
  readonly members: readonly MemberSource[];
  readonly threshold: number;
  readonly name: string;
  readonly auditor: MemberSource | null;
  /** `KEY=VALUE` over the start policy of the profile. */
  readonly set: readonly string[];
  readonly supersedes: string | null;
  /** False: adopt at once; every signer must then be local. */
  readonly draftOnly: boolean;
  readonly confirmTime?: boolean;
}

export interface GenesisMember {
  readonly id: string;
  readonly role: string;
  readonly signed: boolean;
}

export interface GenesisResult {
  readonly status: 'draft' | 'adopted';
  readonly ledger_id: string;
  readonly name: string;
  readonly profile: string;
  readonly store_id: string;
  readonly genesis_digest: string;
  readonly words: readonly string[];
  readonly threshold: number;
  readonly members: readonly GenesisMember[];
  readonly auditor: GenesisMember | null;
  readonly supersedes: string | null;
  readonly missing: readonly string[];
  readonly created_at: string;
}

export interface GenesisOutcome {
  readonly result: GenesisResult;
  /** The draft file, or the adopted genesis. */
  readonly file: Uint8Array;
}

export function genesisResult(
  crypto: Crypto,
  envelope: Envelope,
  genesis: Genesis,
  status: GenesisResult['status'],
): GenesisResult {
  const { signed, missing } = genesisSignatures(crypto, envelope, genesis);
  const digest = envelopeDigest(envelope);
  const has = (id: string): boolean => signed.includes(id);
  return {
    status,
    ledger_id: genesis.ledger_id,
    name: genesis.name,
    profile: genesis.profile,
    store_id: genesis.store_id,
    genesis_digest: digest,
    words: fingerprintWords(digest),
    threshold: genesis.threshold,
    members: genesis.members.map(({ id, role }) => ({ id, role, signed: has(id) })),
    auditor:
      genesis.auditor === undefined
        ? null
        : { id: genesis.auditor.id, role: 'external-auditor', signed: has(genesis.auditor.id) },
    supersedes: genesis.supersedes?.ledger_id ?? null,
    missing,
    created_at: genesis.created_at,
  };
}

const DEFAULT_ROLES: readonly SigningRole[] = ['policy-owner', 'security-officer', 'custodian'];

function bundleOf(ctx: StoreContext, source: MemberSource): VerifiedBundle {
  if (source.bundle !== null) return parseSignerBundle(ctx.crypto, source.bundle, source.from);
  if (isSignerId(source.from) && signerIds(ctx).includes(source.from)) return readSignerBundle(ctx, source.from);
  throw new RonError('NotFound', `${source.from} is neither a signer of this home nor a file`, {
    field: '--members',
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

function policyOf(session: Session, set: readonly string[]): PolicyState {
  const profile = parseProfile(session.store.profile, 'profile');
  const start = initialPolicy(profile);
  if (set.length === 0) return start;
  return buildChangeset(
    set.map((one) => parseChange(one, '--set')),
    start,
    'global',
    profile,
  ).after;
}

function demandUngoverned(session: Session): void {
  if (session.ledger === null) return;
  throw new RonError('Conflict', `this home is governed by ${session.ledger.state.ledgerId} already`, {
    field: 'genesis',
    hint: 'See `ronctl governance status`.',
  });
}

/**
 * keys of a signer stand in one pinned ledger; one that supersedes the old ledger may use them again. Each component
 * counts alone, of members and auditors, also of those that came after the genesis.
 */
export function refuseReusedKeys(ctx: StoreContext, genesis: Genesis): void {
  const ours = new Set(identitiesOf(genesis).flatMap((one) => Object.values(one.keys)));
  for (const pin of listPins(ctx)) {
    if (pin.ledger_id === genesis.ledger_id || pin.ledger_id === genesis.supersedes?.ledger_id) continue;
    const { genesis: other, authority } = readAuthority(ctx, pin.ledger_id);
    if (other.genesis.supersedes?.ledger_id === genesis.ledger_id) continue;
    const twin = authority.sets
      .flatMap((set) =>
        identitiesOf({ members: set.members, ...(set.auditor === null ? {} : { auditor: set.auditor }) }),
      )
      .find((one) => Object.values(one.keys).some((key) => ours.has(key)));
    if (twin !== undefined) {
      throw new RonError(
        'Conflict',
        `the keys of ${twin.id} already stand in the ledger ${pin.ledger_id} (${pin.name})`,
        {
          field: 'members',
          hint: 'Make a signer of its own for this ledger, or name the old one with --supersedes.',
        },
      );
    }
  }
}

const identitiesOf = ({ members, auditor }: Pick<Genesis, 'members' | 'auditor'>): readonly Auditor[] => [
  ...members,
  ...(auditor === undefined ? [] : [auditor]),
];

/** The newest checkpoint of the old log that this home has verified and remembered; a new ledger goes on from there. */
function supersedesOf(ctx: StoreContext, ledgerId: string | null): Pick<Genesis, 'supersedes'> {
  if (ledgerId === null) return {};
  const { genesis, authority } = readAuthority(ctx, ledgerId);
  const known = rememberedCheckpoints(ctx).flatMap((note) => {
    const found = checkpointOf(ctx.crypto, authority, genesis.genesis.store_id, note);
    return found === null ? [] : [found];
  });
  const newest = known.sort((a, b) => a.size - b.size).at(-1);
  if (newest === undefined) {
    throw new RonError('Inconclusive', `this home knows no checkpoint of the log of ${ledgerId}`, {
      field: '--supersedes',
      hint: 'Verify that log in this home first: `ronctl audit verify`.',
    });
  }
  return { supersedes: { ledger_id: ledgerId, checkpoint: newest } };
}

function rememberedCheckpoints(ctx: StoreContext): Uint8Array[] {
  const names = ctx.files.list(ctx.paths.trustedLogs).filter((name) => name.endsWith('.checkpoint'));
  return names.flatMap((name) => ctx.files.read(`${ctx.paths.trustedLogs}/${name}`, LIMITS.signedFileBytes) ?? []);
}

export async function draftGenesis(request: DraftRequest, deps: OperationDeps): Promise<GenesisOutcome> {
  const session = await openSession(deps, {
    dryRun: deps.dryRun,
    confirmTime: request.confirmTime === true,
    onNotice: (text) => deps.host.log.notice(text),
  });
  try {
    demandUngoverned(session);
    const ctx = session.context;
    const members = membersOf(ctx, request.members);
    const local = localSigners(ctx, [...members, ...auditorOf(ctx, request)]);
    const everyone = [...members, ...auditorOf(ctx, request)].map((one) => one.id);
    const elsewhere = everyone.filter((id) => !local.includes(id));
    if (elsewhere.length > 0 && !request.draftOnly) {
      throw new RonError(
        'Usage',
        `${elsewhere.join(', ')} cannot sign on this machine, so the genesis is not complete`,
        {
          field: '--out',
          hint: 'Write the draft with --out FILE; each signs it with `ronctl governance init --sign FILE --signer ID --out FILE`.',
        },
      );
    }
    const envelope = await makeGenesis(session, request, members, local, deps);
    const genesis = parseGenesis(envelope);
    refuseReusedKeys(ctx, genesis);
    if (request.draftOnly) {
      await finish(session, false);
      return { result: genesisResult(ctx.crypto, envelope, genesis, 'draft'), file: envelopeFile(envelope) };
    }
    return await adoptIn(session, verifyGenesis(ctx.crypto, envelope), deps);
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

function auditorOf(ctx: StoreContext, request: DraftRequest): Auditor[] {
  if (request.auditor === null) return [];
  const { bundle } = bundleOf(ctx, request.auditor);
  return [{ id: bundle.id, keys: bundle.keys }];
}

/** Members whose signer store with these keys is in this home. */
function localSigners(
  ctx: StoreContext,
  people: readonly { readonly id: string; readonly keys: Member['keys'] }[],
): string[] {
  const here = signerIds(ctx);
  return people
    .filter((one) => here.includes(one.id) && readSignerBundle(ctx, one.id).bundle.keys.ed25519 === one.keys.ed25519)
    .map((one) => one.id);
}

async function makeGenesis(
  session: Session,
  request: DraftRequest,
  members: readonly Member[],
  local: readonly string[],
  deps: OperationDeps,
): Promise<Envelope> {
  const ctx = session.context;
  const identity = await custodyIdentity(session.store, ctx.crypto);
  try {
    const auditor = auditorOf(ctx, request)[0];
    const built = buildGenesis({
      name: request.name,
      nonce: toBase64Url(ctx.random.bytes(16)),
      profile: parseProfile(session.store.profile, 'profile'),
      store_id: session.store.storeId,
      members,
      threshold: request.threshold,
      ...(auditor === undefined ? {} : { auditor }),
      service_keys: identity.serviceKeys,
      log_keys: identity.logKeys,
      policy: policyOf(session, request.set),
      created_at: toTime(ctx.clock.now()),
      ...supersedesOf(ctx, request.supersedes),
    });
    const signatures = await identity.sign(built);
    for (const id of local) signatures.push(...(await signWithLocal(deps, ctx, built, id, keysOf(built.genesis, id))));
    return { ...built, signatures: sorted(signatures) };
  } finally {
    identity.release();
  }
}

const sorted = (signatures: readonly EnvelopeSignature[]): EnvelopeSignature[] =>
  [...signatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));

function keysOf(genesis: Genesis, id: string): Member['keys'] {
  const found = [...genesis.members, ...(genesis.auditor === undefined ? [] : [genesis.auditor])].find(
    (one) => one.id === id,
  );
  if (found !== undefined) return found.keys;
  throw new RonError('PolicyRefused', `${id} is neither a member nor the auditor of this genesis`, {
    field: '--signer',
  });
}

async function signWithLocal(
  deps: OperationDeps,
  ctx: StoreContext,
  of: { readonly payloadType: string; readonly payload: Uint8Array },
  id: string,
  keys: Member['keys'],
): Promise<EnvelopeSignature[]> {
  const signer = await openSigner(deps, id);
  try {
    return await signDual(ctx.crypto, of.payloadType, of.payload, id, await signer.keysFor(keys), dualKeys(keys));
  } finally {
    signer.close();
  }
}

async function finish(session: Session, dryRun: boolean): Promise<void> {
  if (dryRun) await session.abandon();
  else await session.close();
}

async function adoptIn(session: Session, verified: VerifiedGenesis, deps: OperationDeps): Promise<GenesisOutcome> {
  const ctx = session.context;
  const { genesis, envelope } = verified;
  if (!deps.dryRun) {
    await adopt(session.store, ctx.crypto, ctx.clock, verified, session.actor);
    await writePin(ctx, verified, toTime(ctx.clock.now()));
  }
  await finish(session, deps.dryRun);
  return { result: genesisResult(ctx.crypto, envelope, genesis, 'adopted'), file: envelopeFile(envelope) };
}

/** What a draft says, before it is signed: for the person who compares the words. */
export async function inspectGenesis(bytes: Uint8Array, what: string, deps: OperationDeps): Promise<GenesisResult> {
  const ctx = await storeContext(deps);
  return within(what, () => {
    const envelope = parseEnvelope(bytes, what);
    return genesisResult(ctx.crypto, envelope, parseGenesis(envelope), 'draft');
  });
}

/** `digest` is what was confirmed; the signature is made for exactly that. */
export async function signGenesisDraft(
  request: { readonly bytes: Uint8Array; readonly what: string; readonly signer: string; readonly digest: string },
  deps: OperationDeps,
): Promise<GenesisOutcome> {
  const ctx = await storeContext(deps);
  const envelope = parseEnvelope(request.bytes, request.what);
  const genesis = parseGenesis(envelope);
  if (envelopeDigest(envelope) !== request.digest)
    throw new RonError('VerificationFailed', 'the draft is not the one that was confirmed', { field: '--sign' });
  const keys = keysOf(genesis, request.signer);
  refuseReusedKeys(ctx, genesis);
  const own = await signWithLocal(deps, ctx, envelope, request.signer, keys);
  const others = envelope.signatures.filter((one) => !own.some((mine) => mine.keyid === one.keyid));
  const signed: Envelope = { ...envelope, signatures: sorted([...others, ...own]) };
  return { result: genesisResult(ctx.crypto, signed, genesis, 'draft'), file: envelopeFile(signed) };
}

export async function adoptGenesis(
  request: {
    readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
    readonly confirmTime?: boolean;
  },
  deps: OperationDeps,
): Promise<GenesisOutcome> {
  const before = await storeContext(deps);
  const names = request.files.map((one) => one.name).join(', ');
  const verified = within(names, () =>
    verifyGenesis(before.crypto, mergeGenesis(request.files.map((one) => parseEnvelope(one.bytes, one.name)))),
  );
  const session = await openSession(deps, { dryRun: deps.dryRun, confirmTime: request.confirmTime === true });
  try {
    demandUngoverned(session);
    await demandOurs(session, verified.genesis);
    refuseReusedKeys(session.context, verified.genesis);
    return await adoptIn(session, verified, deps);
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

async function demandOurs(session: Session, genesis: Genesis): Promise<void> {
  const refuse = (field: string, ours: string, theirs: string): never => {
    throw new RonError('Conflict', `the genesis is for ${field} ${theirs}; this store has ${ours}`, { field });
  };
  const { store } = session;
  if (genesis.profile !== store.profile) refuse('profile', store.profile, genesis.profile);
  if (genesis.store_id !== store.storeId) refuse('store_id', store.storeId, genesis.store_id);
  const identity = await custodyIdentity(store, session.crypto);
  identity.release();
  if (
    identity.serviceKeys.ed25519 !== genesis.service_keys.ed25519 ||
    identity.serviceKeys.ml_dsa_65 !== genesis.service_keys.ml_dsa_65
  ) {
    refuse('service_keys', 'other keys', 'its own keys');
  }
  if (
    identity.logKeys.ed25519 !== genesis.log_keys.ed25519 ||
    identity.logKeys.ml_dsa_44 !== genesis.log_keys.ml_dsa_44
  ) {
    refuse('log_keys', 'other keys', 'its own keys');
  }
}
