// `tail`: what happens in the service, one event at a time. Online: the stream of the server, from a time on, until it is
// stopped. Offline: the same topics told from the records of this home's log and the lines of its ledger, then the end. An
// event is a notice; evidence is the log itself.

import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { toTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import { kidHash } from '../keys/kid-hash.ts';
import type { ServiceEvent } from '../kms/admin-ports.ts';
import { type EventTopic, topicFits } from '../kms-api/events.ts';
import { auditLog } from './audit/log.ts';
import type { OperationDeps } from './deps.ts';
import { ledgerLog } from './governance/log.ts';
import { callOf } from './service.ts';

export interface TailRequest {
  /** `kms` means everything below it too; null = all. */
  readonly topic: string | null;
  /** Wall ms; null: online from now on, offline everything. */
  readonly sinceMs: number | null;
  /** Ends after so many events; null = never by itself. */
  readonly limit: number | null;
  /** Ends the stream of a server. */
  readonly signal: AbortSignal;
}

/** Topics of records; what has none is not told. */
const OF_RECORDS: Readonly<Record<string, EventTopic>> = {
  config: 'kms.config.updated',
  gap: 'kms.audit.gap',
  attest: 'kms.attestation.status',
  create: 'kms.key.created',
  rotate: 'kms.key.rotated',
  retire: 'kms.key.retired',
  mint: 'kms.capability.minted',
  revoke: 'kms.capability.revoked',
  stop: 'kms.shutdown',
  'governance.execute': 'governance.executed',
  'governance.failed': 'governance.failed',
  rollback: 'governance.rollback',
};

const OF_LINES: Readonly<Record<string, EventTopic>> = {
  proposal: 'governance.proposed',
  statement: 'governance.statement',
};

const RECORDS_MAX = 100_000;

export async function* tail(request: TailRequest, deps: OperationDeps): AsyncGenerator<ServiceEvent> {
  const { limit, signal } = request;
  let left = limit ?? Number.POSITIVE_INFINITY;
  const events = deps.online === null ? await past(request, deps) : live(request, deps);
  try {
    for await (const event of events) {
      yield event;
      if (--left <= 0) return;
    }
  } catch (error) {
    // Whoever stops it wants no error.
    if (!signal.aborted || !(error instanceof RonError) || error.code !== 'Interrupted') throw error;
  }
}

async function* live({ topic, sinceMs, signal }: TailRequest, deps: OperationDeps): AsyncGenerator<ServiceEvent> {
  const { health } = await deps.online!.kms();
  yield* health.events({ topic, sinceMs }, callOf(deps, {}, signal));
}

interface Told {
  readonly ts: string;
  readonly topic: EventTopic;
  readonly data: Readonly<Record<string, unknown>>;
}

async function past({ topic, sinceMs }: TailRequest, deps: OperationDeps): Promise<ServiceEvent[]> {
  const since = sinceMs === null ? null : toTime(sinceMs);
  const everything = { from: null, op: null, tenant: null, kid: null, epoch: null };
  const { records } = await auditLog({ ...everything, since, limit: RECORDS_MAX }, deps);
  const told = [
    ...records.toReversed().flatMap(({ index, record }) => ofRecord(index, record)),
    ...(await linesSince(sinceMs, deps)),
  ];
  return told
    .filter((one) => topicFits(one.topic, topic))
    .sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0))
    .map((one, at) => ({ seq: at + 1, ...one }));
}

const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

/** As in the service's own log: a key by its hash, no inputs. */
function ofRecord(index: number, record: JsonObject): Told[] {
  const topic = OF_RECORDS[text(record['op']) ?? ''];
  const ts = text(record['ts']);
  if (topic === undefined || ts === null) return [];
  const [actor, result, tenant, kid] = ['actor', 'result', 'tenant', 'kid'].map((name) => text(record[name]));
  const data = {
    record: index,
    actor,
    result,
    ...(tenant === null || tenant === undefined ? {} : { tenant }),
    ...(kid === null || kid === undefined ? {} : { kid_hash: kidHash(kid) }),
  };
  return [{ ts, topic, data }];
}

async function linesSince(sinceMs: number | null, deps: OperationDeps): Promise<Told[]> {
  try {
    const back = sinceMs === null ? null : deps.host.clock.now() - sinceMs;
    const { lines } = await ledgerLog({ sinceMs: back }, deps);
    return lines.flatMap(({ seq, ts, type, by, proposal_id, what }) => {
      const topic = OF_LINES[type];
      return topic === undefined ? [] : [{ ts, topic, data: { line: seq, by, proposal_id, what } }];
    });
  } catch (error) {
    if (error instanceof RonError && error.code === 'Ungoverned') return [];
    throw error;
  }
}
