// What every request with an effect carries besides its own members: op_id, dry_run, confirm_time; and bytes as base64.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { fail } from '../errors.ts';
import type { Call } from '../kms/ports.ts';

/** ronctl always names the operation (API-18, C-26). */
export function callMembers(call: Call): { op_id: string; dry_run?: boolean } {
  return { op_id: call.opId, ...(call.dryRun === true ? { dry_run: true } : {}) };
}

export function confirmMember(request: { readonly confirmTime?: boolean }): { confirm_time?: boolean } {
  return request.confirmTime === undefined ? {} : { confirm_time: request.confirmTime };
}

export function confirmation(body: { readonly confirm_time?: boolean }): { confirmTime?: boolean } {
  return body.confirm_time === undefined ? {} : { confirmTime: body.confirm_time };
}

/** Throws Malformed naming the member. */
export function bytesOfMember(text: string, field: string): Uint8Array {
  return fromBase64(text) ?? fail('Malformed', `${field}: standard padded base64 is expected`, { field });
}

export const base64OrNull = (bytes: Uint8Array | null): string | null => (bytes === null ? null : toBase64(bytes));

export function bytesOrNull(text: string | null, field: string): Uint8Array | null {
  return text === null ? null : bytesOfMember(text, field);
}

/** A number in a query; the schema has checked its form. */
export function numberOf(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Number(text);
}
