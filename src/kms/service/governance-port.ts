// The Governance port in-process (service page 1): submit, ingest, execute, tune, rollback on the one writer; request and
// ledger lines from a reading that needs nobody to unseal. Every object is verified here, whoever sent it. Authority for
// `execute` is the quorum: kms:govern only opens the door. An act answers after its checkpoint.
// Refuses: more than 8 files or 64 KiB of one, what is no signed object, callers without kms:govern or kms:read.

import { fromTime } from '../../bytes/time.ts';
import { INSTANCE } from '../../capability/caveats.ts';
import { envelopeFile } from '../../envelope/dsse.ts';
import { fail, RonError } from '../../errors.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import { proposalLine } from '../../governance/ledger-load.ts';
import { parseProposal } from '../../governance/proposal.ts';
import { encodeRequest } from '../../governance/request.ts';
import { statusNow } from '../../governance/status.ts';
import { describeSubmission } from '../../governance/submission.ts';
import { LIMITS } from '../../limits.ts';
import { parseScope } from '../../policy/state.ts';
import type { CheckpointInfo } from '../../storage/custody-port.ts';
import { ensureHome } from '../../storage/home.ts';
import { inboxName, putInbox } from '../../storage/inbox.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { Governance, IngestAnswer, ProposalSummary, TimeConfirmation } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import { actorOf, admitted, authoriseInstance, refuseAborted, whileItStands } from './authorise.ts';
import { type ActOptions, type Custodian, type Held, placeOf } from './custodian.ts';
import { recordedRollback, recordedTune, rollback, tune } from './governance-acts.ts';
import { execute } from './governance-execute.ts';
import { demandState, type GovernanceReading } from './governance-reader.ts';
import { buildRequest, ledgerStatements, locateProposal } from './governance-request.ts';
import { repeatOf } from './repeat.ts';

/** What the port reads without unsealing: one consistent reading of the home. */
export interface GovernanceReads {
  context(): Promise<StoreContext>;
  reading(): Promise<GovernanceReading>;
}

interface Wished {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Form only: signatures are judged by the ingest. Throws InvalidValue, TooLarge, Malformed. */
function wishedOf(files: readonly Uint8Array[]): Wished[] {
  if (files.length < 1 || files.length > LIMITS.submitFiles) {
    fail('InvalidValue', `files: 1 to ${LIMITS.submitFiles} files are expected, not ${files.length}`, {
      field: 'files',
    });
  }
  return files.map((bytes, index) => {
    const name = `files[${index}]`;
    if (bytes.length > LIMITS.payloadBytes) {
      fail('TooLarge', `${name}: ${bytes.length} bytes, at most ${LIMITS.payloadBytes} are taken`, { field: name });
    }
    return { digest: describeSubmission(bytes, name).digest, bytes };
  });
}

function ingestAnswer(held: Held, checkpoint: CheckpointInfo | null): IngestAnswer {
  const report = held.ingested ?? { ingested: [], known: [], waiting: [], behind: [], refused: [] };
  return {
    ...report,
    ledger_seq: held.demandLedger().state.seq,
    checkpoint: placeOf(checkpoint),
    recovered: held.recovered?.id ?? null,
  };
}

function summaryOf(reading: GovernanceReading, entry: IndexEntry): ProposalSummary {
  const state = demandState(reading);
  const { judged } = reading;
  const open = state.open.get(entry.id) ?? null;
  const body = open?.proposal.body ?? parseProposal(proposalLine(entry, reading.line));
  const nowMs = Math.max(fromTime(judged.now.wall), judged.highWaterMs);
  return {
    id: entry.id,
    digest: entry.digest,
    kind: body.kind,
    scope: body.scope,
    author: body.author,
    status: statusNow(state, entry, open, nowMs).status,
    approvals: entry.approvals.length,
    rejects: entry.rejects.length,
    threshold: body.signer_set.threshold,
    decide_by: body.decide_by,
    expires_at: body.expires_at,
  };
}

/** Codes that say: nothing is wrong with the files, they wait. */
const WAITS: readonly string[] = ['StoreUnavailable', 'Ungoverned', 'RolledBack', 'PinMismatch'];

export function governanceService(custodian: Custodian, reads: GovernanceReads): Governance {
  const act = <T>(
    call: Call,
    request: TimeConfirmation,
    use: (held: Held) => Promise<T>,
    rest: Pick<ActOptions, 'before' | 'accepts'> = {},
  ): Promise<T> => {
    refuseAborted(call);
    return admitted(call, 'mutate', INSTANCE, () =>
      custodian.act({ call, confirmTime: request.confirmTime === true, ...rest }, use),
    );
  };
  const entryOf = async (id: string): Promise<{ readonly reading: GovernanceReading; readonly entry: IndexEntry }> => {
    const reading = await reads.reading();
    const entry = demandState(reading).index.get(id);
    return { reading, entry: entry ?? fail('NotFound', `there is no proposal ${id} in the ledger`, { field: 'id' }) };
  };
  return {
    list: async ({ status }, call) => {
      authoriseInstance(call, 'kms:read');
      const reading = await reads.reading();
      const all = [...demandState(reading).index.values()].map((entry) => summaryOf(reading, entry));
      return status === undefined ? all : all.filter((one) => one.status === status);
    },

    get: async ({ id }, call) => {
      authoriseInstance(call, 'kms:read');
      const { reading, entry } = await entryOf(id);
      return { proposal: summaryOf(reading, entry), envelope: envelopeFile(proposalLine(entry, reading.line)) };
    },

    statements: async ({ id }, call) => {
      authoriseInstance(call, 'kms:read');
      const { reading, entry } = await entryOf(id);
      return ledgerStatements(reading, entry).map(envelopeFile);
    },

    submit: async (request, call) => {
      authoriseInstance(call, 'kms:govern', false);
      const files = wishedOf(request.files);
      const names = files.map(({ digest }) => inboxName(digest));
      if (call.dryRun === true) return { names, ingest: null };
      let written = false;
      const before = async (context: StoreContext): Promise<void> => {
        await ensureHome(context, context.paths);
        for (const { digest, bytes } of files) await putInbox(context, digest, bytes);
        written = true;
      };
      try {
        return await act(
          call,
          request,
          async (held) => {
            held.demandLedger();
            return { names, ingest: ingestAnswer(held, await custodian.checkpoint(call)) };
          },
          { before },
        );
      } catch (error) {
        if (!written || !(error instanceof RonError) || !WAITS.includes(error.code)) throw error;
        return { names, ingest: null };
      }
    },

    ingest: async (request, call) => {
      authoriseInstance(call, 'kms:govern', false);
      return act(call, request, async (held) => {
        held.demandLedger();
        return ingestAnswer(held, await custodian.checkpoint(call));
      });
    },

    execute: async (request, call) => {
      authoriseInstance(call, 'kms:govern');
      const { id } = request;
      const use = async (held: Held) => {
        const { ingested } = held;
        const isDry = call.dryRun === true;
        const { keysElsewhere } = custodian;
        const done =
          held.judgedRestore === id
            ? null
            : await execute(held.demandLedger(), id, actorOf(call), isDry, ingested?.behind, keysElsewhere);
        return {
          id,
          envelope: done === null ? null : envelopeFile(done.envelope),
          replayed: done?.replayed === true && held.recovered?.id !== id,
          ingested: ingested?.ingested.length ?? 0,
          refused: ingested?.refused ?? [],
          checkpoint: placeOf(await custodian.checkpoint(call)),
        };
      };
      return act(call, request, use, { accepts: id });
    },

    tune: async (request, call) => {
      authoriseInstance(call, 'kms:govern');
      const scope = parseScope(request.scope, 'scope');
      const { key, to } = request;
      return act(call, request, async (held) => {
        const ledger = held.demandLedger();
        const wanted = { scope, key, to };
        const { req, earlier } = await repeatOf(
          held,
          call,
          { op: 'tune', tenant: null },
          { route: 'governance.tune', ...wanted },
        );
        const named = { actor: actorOf(call), opId: call.opId, req };
        const done =
          earlier === null
            ? await tune(ledger, wanted, named, call.dryRun === true)
            : recordedTune(ledger, wanted, earlier);
        return { ...done, checkpoint: placeOf(await custodian.checkpoint(call)) };
      });
    },

    rollback: async (request, call) => {
      authoriseInstance(call, 'kms:govern');
      const scope = parseScope(request.scope, 'scope');
      const { durationS, proposalDigest } = request;
      return act(call, request, async (held) => {
        const ledger = held.demandLedger();
        const { req, earlier } = await repeatOf(
          held,
          call,
          { op: 'rollback', tenant: null },
          { route: 'governance.rollback', scope, duration_s: durationS, proposal_digest: proposalDigest },
        );
        const named = { actor: actorOf(call), opId: call.opId, req };
        const { changes: _words, ...done } =
          earlier === null
            ? await rollback(ledger, { scope, durationS, proposalDigest }, named, call.dryRun === true)
            : recordedRollback(ledger, scope, earlier);
        return { ...done, checkpoint: placeOf(await custodian.checkpoint(call)) };
      });
    },

    request: async ({ id }, call) => {
      authoriseInstance(call, 'kms:read');
      const reading = await reads.reading();
      return encodeRequest(buildRequest(reading, locateProposal(await reads.context(), reading, id, false)));
    },

    ledger: async function* ({ fromSeq }, call) {
      authoriseInstance(call, 'kms:read');
      if (!Number.isSafeInteger(fromSeq) || fromSeq < 0) {
        fail('InvalidValue', `from_seq: an integer from 0 is expected, not ${fromSeq}`, { field: 'from_seq' });
      }
      for await (const line of whileItStands(call, (await reads.reading()).lines(fromSeq))) {
        refuseAborted(call);
        yield line;
      }
    },
  };
}
