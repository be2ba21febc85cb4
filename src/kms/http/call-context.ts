// The Call of one request, and its deadline: sign, wrap and unwrap 2 s, attestation 3 s, everything else 4.5 s
// (CON-23, CON-24, MS-02): a client that waits 5 s in all gets the answer. At the deadline the answer is 504; what was begun may still be recorded, and the same op_id asks for it.

import { uuidV7 } from '../../bytes/uuid.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { Route } from '../../kms-api/routes.ts';
import type { Admission } from '../limits.ts';
import type { Call, Caller } from '../ports.ts';
import { draining, tooLate, type Unfinished } from './refusal.ts';
import type { RequestContext } from './request-context.ts';
import type { ServerParts } from './server-parts.ts';

/** Members of a body that every mutation may have; the schemas of the route have checked them. */
interface CallMembers {
  readonly op_id?: string;
  readonly dry_run?: boolean;
}

const OTHERS_MS = 4500;

export function deadlineMs(route: Route, { limits }: ServerConfig): number {
  if (route.id === 'attestKey') return limits.attest_deadline_ms;
  if (route.work === 'wrap') return limits.wrap_deadline_ms;
  return route.work === 'sign' ? limits.sign_deadline_ms : OTHERS_MS;
}

export function callOf(
  parts: Pick<ServerParts, 'clock' | 'random'>,
  context: RequestContext,
  body: CallMembers,
  admission: Admission,
): Call {
  const caller: Caller = context.caller ?? { kind: 'system' };
  const { op_id, dry_run } = body;
  const opId = op_id ?? uuidV7(parts.clock.now(), parts.random.bytes(16));
  if (op_id !== undefined) context.log.op_id = op_id;
  const { signal } = context.abort;
  return {
    caller,
    opId,
    ...(op_id === undefined ? {} : { repeatable: true }),
    corrId: context.corrId,
    signal,
    span: context.span,
    ...(dry_run === true ? { dryRun: true } : {}),
    holds: (what) => {
      context.stands = what;
    },
    admit: (work, tenant) => {
      context.log.tenant ??= tenant;
      return admission(caller, work, tenant, signal);
    },
  };
}

function unfinished({ route, stands }: RequestContext, call: Call): Unfinished {
  const reads = route?.work === 'read' || route?.work === 'verify' || call.dryRun === true;
  return { stands, repeat: reads ? 'reading' : call.repeatable === true ? 'named' : 'unnamed' };
}

/** The work, or a refusal at the deadline or when the request was given up. `null`: no deadline. */
export function within<T>(
  work: Promise<T>,
  context: RequestContext,
  call: Call,
  limitMs: number | null,
  onLate: () => void,
): Promise<T> {
  const { signal } = context.abort;
  return new Promise<T>((resolve, reject) => {
    const givenUp = (): void => reject(draining());
    const timer =
      limitMs === null
        ? null
        : setTimeout(() => {
            onLate();
            reject(tooLate(limitMs, unfinished(context, call)));
            context.abort.abort('deadline');
          }, limitMs);
    signal.addEventListener('abort', givenUp, { once: true });
    const done = (): void => {
      if (timer !== null) clearTimeout(timer);
      signal.removeEventListener('abort', givenUp);
    };
    work.then(resolve, reject).finally(done);
  });
}
