// What a handler of one route gets and gives: decoded parts, a call, the ports; an object, bytes or lines.

import type { RouteId } from '../../kms-api/routes.ts';
import type { Wire } from '../../kms-api/schemas.ts';
import type { Kms } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import type { MutableFields } from './request-context.ts';

export interface Parts<Id extends RouteId> {
  readonly params: Wire<Id, 'params'>;
  readonly query: Wire<Id, 'query'>;
  readonly body: Wire<Id, 'body'>;
}

export type Answer =
  | { readonly json: object; readonly headers?: Readonly<Record<string, string>> }
  | { readonly bytes: Uint8Array; readonly type: string }
  /** Nothing is there, and that is the answer (204). */
  | { readonly none: true }
  | { readonly lines: AsyncIterable<Uint8Array | string> };

export interface HandlerContext {
  readonly kms: Kms;
  readonly call: Call;
  /** Of the server: nothing that leaves shows it. */
  readonly home: string;
  /** For the log line; a kid becomes its hash there. */
  readonly log: MutableFields;
  /** Bytes that are wiped when the answer has been written. */
  readonly wipeAfter: Uint8Array[];
}

export type Handler<Id extends RouteId> = (parts: Parts<Id>, context: HandlerContext) => Promise<Answer>;

export type Handlers<Id extends RouteId> = { readonly [I in Id]: Handler<I> };

export const OCTETS = 'application/octet-stream';
