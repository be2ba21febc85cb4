// What the server knows of one request while it lasts: its ids, where it came in, who asks, and how it ends. X-Corr-ID is
// taken when it is a UUID and made anew otherwise, so that no free text gets into logs (C-51).

import type { IncomingMessage } from 'node:http';
import { uuidV4, uuidV7 } from '../../bytes/uuid.ts';
import type { RonError } from '../../errors.ts';
import type { Random } from '../../host.ts';
import type { LogFields } from '../../kms-api/log-fields.ts';
import type { Route, RouteId } from '../../kms-api/routes.ts';
import type { Caller, Span } from '../ports.ts';
import type { Encoding } from './read-body.ts';
import type { Listen, ServerParts } from './server-parts.ts';

export type MutableFields = { -readonly [K in keyof LogFields]: LogFields[K] };

export interface RequestContext {
  readonly route: (Route & { readonly id: RouteId }) | null;
  /** Of metrics and log lines. */
  readonly label: string;
  readonly requestId: string;
  /** Lower case. */
  readonly corrId: string;
  /** As it is echoed. */
  readonly corrText: string;
  readonly listener: Listen['kind'];
  readonly startedMs: number;
  /** The root of what happens in this request. */
  readonly span: Span;
  /** Aborted at the deadline, when the client goes, and at the end of the drain. */
  readonly abort: AbortController;
  caller: Caller | null;
  /** Of the body, from the headers. */
  encoding: Encoding;
  /** Fields of the log line that come up on the way. */
  readonly log: MutableFields;
  refused: RonError | null;
  /** What holds already although the call has not ended. */
  stands: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const LISTENER = Symbol('listener');

interface Received extends IncomingMessage {
  [LISTENER]?: Listen['kind'];
}

/** Called by the listener that received the request. */
export function receivedOn(request: Received, listener: Listen['kind']): void {
  request[LISTENER] = listener;
}

/** As it is echoed: the one that was sent, when it is a UUID, else a new one. `request` is null where there was none. */
export function corrIdOf(
  request: Pick<IncomingMessage, 'headers'> | null,
  { clock, random, config }: Pick<ServerParts, 'clock' | 'random' | 'config'>,
): string {
  const given = request?.headers['x-corr-id'];
  if (typeof given === 'string' && UUID.test(given.toLowerCase())) return given;
  const isV4 = config().observability.correlation_id_mode === 'uuidv4';
  return isV4 ? uuidV4(random.bytes(16)) : uuidV7(clock.now(), random.bytes(16));
}

/** For servers that keep no spans. */
function plainSpan(fields: LogFields): Span {
  return { fields, child: (_name, more = {}) => plainSpan({ ...fields, ...more }), end: () => undefined };
}

export function requestContext(
  request: Received,
  { route, label }: Pick<RequestContext, 'route' | 'label'>,
  parts: ServerParts,
  random: Random,
): RequestContext {
  const { clock } = parts;
  const corrText = corrIdOf(request, parts);
  const requestId = `r-${uuidV7(clock.now(), random.bytes(16))}`;
  const peer = request.socket.remoteAddress;
  const fields: LogFields = {
    corr_id: corrText.toLowerCase(),
    request_id: requestId,
    ...(peer === undefined ? {} : { peer_addr: peer }),
    route: label,
  };
  return {
    route,
    label,
    requestId,
    corrId: corrText.toLowerCase(),
    corrText,
    listener: request[LISTENER] ?? 'tcp',
    startedMs: clock.monotonicMs(),
    span: parts.spans?.('svc.kms.http', fields) ?? plainSpan(fields),
    abort: new AbortController(),
    caller: null,
    encoding: 'identity',
    log: {},
    refused: null,
    stands: null,
  };
}
