// What a governance file is (governance pages 1, 6, 8): an envelope by its payloadType, or unsigned canonical JSON by its
// member `type` (request, draft). Form only; each kind is then parsed by its own module. Refuses anything else, and drafts of
// another type than a proposal's.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { canonicalFile, type Json, parseCanonicalFile } from '../bytes/canonical-json.ts';
import { anyObject, literal, malformed, object, string, within } from '../bytes/decode.ts';
import { decodeEnvelope, type Envelope } from '../envelope/dsse.ts';
import { demandType, laterVersionOf } from '../envelope/h.ts';
import { DRAFT_TYPE, REQUEST_TYPE } from './names.ts';

export type ObjectFile =
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'request' }
  /** The payload of a proposal that is not yet made. */
  | { readonly kind: 'draft'; readonly payload: Uint8Array };

const draft = object({ type: literal(DRAFT_TYPE), payload: string() });

export function recogniseFile(bytes: Uint8Array, what: string): ObjectFile {
  return within(what, () => recogniseJson(parseCanonicalFile(bytes, what), what));
}

function recogniseJson(value: Json, what: string): ObjectFile {
  const outer = anyObject(value, '');
  if (Object.hasOwn(outer, 'payloadType')) return { kind: 'envelope', envelope: decodeEnvelope(value, '') };
  if (outer['type'] === REQUEST_TYPE) return { kind: 'request' };
  const type = outer['type'];
  if (typeof type === 'string' && type !== DRAFT_TYPE) {
    for (const known of [REQUEST_TYPE, DRAFT_TYPE]) {
      if (laterVersionOf(type, known)) demandType(type, known, 'type');
    }
  }
  if (type === DRAFT_TYPE) {
    const payload = fromBase64(draft(value, '').payload) ?? malformed('payload', 'standard padded base64 is expected');
    return { kind: 'draft', payload };
  }
  return malformed('', `${what}: no file of governance`);
}

/** gov.draft.v1 {type, payload}: a proposal payload without its evidence. */
export function encodeDraft(payload: Uint8Array): Uint8Array {
  return canonicalFile({ type: DRAFT_TYPE, payload: toBase64(payload) });
}
