// A parsed JSON value against a schema of schemas.ts. Refuses with the path of the first member that does not fit, in the
// words of bytes/decode.ts: Malformed for shape, InvalidValue for a value out of its form or bounds.

import type { z } from 'zod';
import { type ErrorCode, RonError } from '../errors.ts';

type Issue = z.core.$ZodIssue;

function fieldOf(path: readonly PropertyKey[]): string {
  let field = '';
  for (const part of path) {
    if (typeof part === 'number') field += `[${part}]`;
    else field += `${field === '' ? '' : '.'}${String(part)}`;
  }
  return field;
}

const bound = (of: string, limit: number | bigint): string =>
  of === 'string' ? `${limit} characters` : of === 'array' || of === 'record' ? `${limit} items` : String(limit);

/** The members are right, a value is not. */
const BY_VALUE: ReadonlySet<string> = new Set(['too_big', 'too_small', 'invalid_format']);

function isMissing(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value;
  for (const part of path) {
    if (at === null || typeof at !== 'object') return false;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return at === undefined;
}

function formOf({ pattern, message }: Extract<Issue, { code: 'invalid_format' }>): string {
  return pattern === undefined ? message : `it has to match ${pattern}`;
}

function judged(issue: Issue, value: unknown): { code: ErrorCode; path: readonly PropertyKey[]; why: string } {
  const { path } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return { code: 'Malformed', path: [...path, issue.keys[0]!], why: 'unknown member' };
    case 'invalid_type':
      if (isMissing(value, path)) return { code: 'Malformed', path, why: 'missing member' };
      return { code: 'Malformed', path, why: `${issue.expected} is expected` };
    case 'invalid_value':
      return {
        code: 'Malformed',
        path,
        why: `expected ${issue.values.map((one) => JSON.stringify(one)).join(' or ')}`,
      };
    case 'too_big':
      return { code: 'InvalidValue', path, why: `at most ${bound(issue.origin, issue.maximum)} is allowed` };
    case 'too_small':
      return { code: 'InvalidValue', path, why: `at least ${bound(issue.origin, issue.minimum)} is expected` };
    case 'invalid_format':
      return { code: 'InvalidValue', path, why: formOf(issue) };
    case 'invalid_union': {
      if (isMissing(value, path)) return { code: 'Malformed', path, why: 'missing member' };
      // The form that was meant is the one whose members are there; it says more than that none fits.
      const meant = issue.errors.find((of) => of.every((one) => BY_VALUE.has(one.code)))?.[0];
      if (meant !== undefined) return judged({ ...meant, path: [...path, ...meant.path] }, value);
      return { code: 'Malformed', path, why: 'it has none of the allowed forms' };
    }
    default:
      return { code: 'Malformed', path, why: issue.message };
  }
}

/** The value itself, known to fit. `what` names it where no member does. */
export function checked<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const answer = schema.safeParse(value);
  if (answer.success) return answer.data;
  const { code, path, why } = judged(answer.error.issues[0]!, value);
  const field = fieldOf(path);
  throw new RonError(code, `${field === '' ? what : field}: ${why}`, field === '' ? {} : { field });
}
