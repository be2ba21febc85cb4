// Building blocks of the request and answer schemas (API-12..18, C-19..C-26). Requests are strict objects: an unknown member
// is refused. Answers are plain objects: a client drops members that it does not know (INT-10). No schema transforms.

import { LIMITS } from '../limits.ts';

export type Zod = typeof import('zod').z;

const NAME = '[a-z0-9][a-z0-9._-]{0,63}';
const KID = `${NAME}/${NAME}/[a-z0-9-]{1,16}/[0-9a-f-]{36}`;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** RFC 9562, version 4 or 7, lower case. */
const OP_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Characters of padded base64 over `bytes` bytes. */
const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4;

export function commonSchemas(z: Zod) {
  const base64 = (maxBytes: number) => z.string().max(base64Length(maxBytes)).regex(BASE64);
  const count = z.int().min(0);
  const text = (max: number) => z.string().max(max);
  const name = z.string().regex(new RegExp(`^${NAME}$`));
  const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const opId = z.string().regex(OP_ID);
  const kid = z
    .string()
    .max(LIMITS.kidBytes)
    .regex(new RegExp(`^${KID}(?:#v[1-9][0-9]{0,9})?$`));
  const place = z.object({ origin: z.string(), index: count });
  const checkpoint = z.object({ origin: z.string(), size: count, root: z.string() });
  return {
    base64,
    count,
    text,
    name,
    time,
    opId,
    kid,
    uuid: z.string().regex(UUID),
    hex64: z.string().regex(/^[0-9a-f]{64}$/),
    digest: z.string().regex(/^(?:sha256:)?[0-9a-f]{64}$/),
    scope: z.string().regex(new RegExp(`^(?:global|tenant:${NAME})$`)),
    trust: z.enum(['authenticated', 'local', 'not-authenticated']),
    /** Where the audit record of an operation stands; null when nothing was written. */
    audit: place.nullable(),
    checkpoint,
    attestation: z.looseObject({ class: z.string(), evidence: z.string().nullable() }),
    /** Members that every request with an effect may carry. */
    mutation: { op_id: opId.exactOptional(), dry_run: z.boolean().exactOptional() },
    confirmTime: { confirm_time: z.boolean().exactOptional() },
    /** Numbers in a query are text. */
    queryCount: z.string().regex(/^(?:0|[1-9][0-9]{0,15})$/),
  };
}

export type Common = ReturnType<typeof commonSchemas>;
