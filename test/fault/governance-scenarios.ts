// Rows of the crash matrix for governance: adoption, a statement to the inbox, ingest, execute.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseCanonical } from '../../src/bytes/canonical-json.ts';
import { anyObject } from '../../src/bytes/decode.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { toTime } from '../../src/bytes/time.ts';
import { parseEnvelope } from '../../src/envelope/dsse.ts';
import { RonError } from '../../src/errors.ts';
import { parseActionInput } from '../../src/governance/action-input.ts';
import { openSession } from '../../src/kms/service/session.ts';
import { auditVerify } from '../../src/operations/audit/verify.ts';
import type { OperationDeps } from '../../src/operations/deps.ts';
import { execute } from '../../src/operations/governance/execute.ts';
import { ingest } from '../../src/operations/governance/ingest.ts';
import { draftGenesis } from '../../src/operations/governance/init.ts';
import { propose } from '../../src/operations/governance/propose.ts';
import { vote } from '../../src/operations/governance/vote.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { readHome, writeHome } from '../../src/storage/home.ts';
import { readPublicView } from '../../src/storage/public-reader.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { listPins } from '../../src/storage/trust-pin.ts';
import { INIT } from '../support/custody.ts';
import { FAST_KDF, type TestDeps } from '../support/store.ts';
import type { Scenario } from './scenario.ts';

const MEMBERS = [
  ['policy-owner', 'alice'],
  ['security-officer', 'bob'],
  ['custodian', 'carol'],
] as const;
const HOUR_MS = 3_600_000;

const operation = (deps: TestDeps): OperationDeps => ({
  ...deps,
  onProgress: () => undefined,
  online: null,
  dryRun: false,
});

async function prepareMembers(deps: TestDeps): Promise<void> {
  for (const [, id] of MEMBERS) await createSigner(deps, id, FAST_KDF);
  await (await initCustody(deps, INIT)).close();
}

async function adopt(deps: TestDeps): Promise<void> {
  const members = MEMBERS.map(([role, id]) => ({ role, from: id, bundle: null }));
  const request = { members, threshold: 2, name: 'main', auditor: null, set: [], supersedes: null, draftOnly: false };
  await draftGenesis(request, operation(deps));
}

interface Proposed {
  readonly id: string;
  readonly digest: string;
}

const SHORTER = { changes: [{ key: 'caps.max_ttl_s', text: '600' }], action: null };
const ACCEPT = { changes: [], action: parseActionInput('restore-accept', 'global') };

async function proposeTtl(deps: TestDeps, what: typeof SHORTER | typeof ACCEPT = SHORTER): Promise<Proposed> {
  const { result } = await propose(
    {
      what: {
        kind: 'wish',
        wish: {
          scope: 'global',
          ...what,
          rationale: 'shorter',
          risk: null,
          rollback: null,
          rollbackValidS: null,
        },
        expires: (nowMs) => nowMs + 24 * HOUR_MS,
        window: null,
      },
      attachments: [],
      signer: 'alice',
      role: null,
      newTenant: false,
      ingest: false,
    },
    operation(deps),
  );
  return { id: result.proposal.id, digest: result.proposal.digest };
}

async function approve(deps: TestDeps, { id, digest }: Proposed, signer: string): Promise<void> {
  const target = { kind: 'id', id } as const;
  const options = { role: null, comment: null, unsafeSignAnyway: false, ingest: false };
  await vote({ purpose: 'approve', target, signer, digest, ...options }, operation(deps));
}

/** The log as `audit verify` judges it. */
async function demandConsistent(deps: TestDeps): Promise<void> {
  const result = await auditVerify({ target: null, fast: false, headKeys: null }, operation(deps));
  if (result.verdict !== 'consistent') throw new Error(`audit verify: ${JSON.stringify(result.findings)}`);
}

/** Types of the committed lines, without opening a session, which would ingest. */
async function describeLines(deps: TestDeps): Promise<string> {
  const store = await openCustodyStore(deps);
  try {
    const types = [...store.ledgerLines(0)].map((line) => anyObject(parseCanonical(line, 'line'), '')['type']);
    const executed = [...store.records(0)].filter((one) => one.op === 'governance.execute').length;
    return JSON.stringify({ types, executed, genesis: store.genesisDigest !== null });
  } finally {
    await store.close();
    // A crash between an adoption and its pin: the next unsealing command pins, as every command of an operator would.
    if (store.genesisDigest !== null && listPins(await storeContext(deps)).length === 0) {
      await (await openSession(deps)).close();
    }
    await demandConsistent(deps);
  }
}

/** After the recovery and ingest of a session: the outcome of every proposal, and the policy in force. */
async function describeOutcome(deps: TestDeps): Promise<string> {
  const session = await openSession(deps);
  const outcomes = [...session.demandLedger().state.index.values()].map(({ decision, execution }) => [
    decision,
    execution,
  ]);
  const value = session.governance.policy.global['caps.max_ttl_s'];
  await session.close();
  return JSON.stringify({ outcomes, value, lines: await describeLines(deps) });
}

/** As `store restore` leaves a home. */
async function markRestored(deps: TestDeps): Promise<void> {
  const ctx = await storeContext(deps);
  const { checkpoint } = readPublicView(ctx);
  const head = { origin: checkpoint!.origin, size: checkpoint!.size, root: toHex(checkpoint!.root) };
  const restored = { at: toTime(deps.host.clock.now()), head };
  await writeHome(ctx, ctx.paths, { ...readHome(ctx.files, ctx.paths)!, restored });
}

/** A store that is still the restored one, or the outcome after its acceptance. */
async function describeRestored(deps: TestDeps): Promise<string> {
  try {
    return await describeOutcome(deps);
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'RolledBack') throw error;
    return JSON.stringify({ restored: true, lines: await describeLines(deps) });
  }
}

/** Who has put what into the inbox; temporary files do not count. */
async function describeInbox(deps: TestDeps): Promise<string> {
  const inbox = `${deps.home}/inbox`;
  const statements = readdirSync(inbox)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const envelope = parseEnvelope(readFileSync(`${inbox}/${name}`), name);
      const payload = anyObject(parseCanonical(envelope.payload, name), '');
      return JSON.stringify([payload['signer'] ?? payload['author'], payload['purpose'] ?? 'proposal']);
    });
  return JSON.stringify([...new Set(statements)].sort());
}

/** Kept beside the store, so that a worker process finds it: ronctl ignores files that it does not know. */
const proposedFile = (deps: TestDeps): string => `${deps.home}/proposed.json`;
const proposedIn = (deps: TestDeps): Proposed => JSON.parse(readFileSync(proposedFile(deps), 'utf8')) as Proposed;

/** Makes a home with a proposal in the inbox and these approvals of it. */
const withProposal =
  (approvals: readonly string[], what: typeof SHORTER | typeof ACCEPT = SHORTER) =>
  async (deps: TestDeps): Promise<void> => {
    await prepareMembers(deps);
    await adopt(deps);
    if (what === ACCEPT) await markRestored(deps);
    const proposed = await proposeTtl(deps, what);
    for (const signer of approvals) await approve(deps, proposed, signer);
    writeFileSync(proposedFile(deps), JSON.stringify(proposed), { mode: 0o600 });
  };

export const GOVERNANCE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'adoption',
    every: 3,
    prepare: prepareMembers,
    run: async (deps, acknowledge) => {
      try {
        await adopt(deps);
        acknowledge();
      } catch (error) {
        if (!(error instanceof RonError) || error.code !== 'Conflict') throw error;
        // Adopted before; the next session pins what is missing.
        await (await openSession(deps)).close();
      }
    },
    describe: describeLines,
  },
  {
    name: 'statement to the inbox',
    every: 3,
    prepare: withProposal([]),
    run: async (deps, acknowledge) => {
      await approve(deps, proposedIn(deps), 'bob');
      acknowledge();
    },
    describe: describeInbox,
  },
  {
    name: 'ingest',
    every: 1,
    prepare: withProposal(['bob', 'carol']),
    run: async (deps, acknowledge) => {
      await ingest({ confirmTime: false }, operation(deps));
      acknowledge();
    },
    describe: describeLines,
  },
  {
    name: 'accepted restore',
    every: 3,
    prepare: withProposal(['bob', 'carol'], ACCEPT),
    run: async (deps, acknowledge) => {
      await execute({ id: proposedIn(deps).id, confirmTime: false }, operation(deps));
      acknowledge();
    },
    describe: describeRestored,
  },
  {
    name: 'execute',
    every: 1,
    prepare: withProposal(['bob', 'carol']),
    run: async (deps, acknowledge) => {
      await execute({ id: proposedIn(deps).id, confirmTime: false }, operation(deps));
      acknowledge();
    },
    describe: describeOutcome,
  },
];
