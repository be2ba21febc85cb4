// From the flags of `governance propose` to its request (governance page 6): files are read, times and windows are left as
// functions of the moment of writing. Refuses more or fewer than one of --change, --change-file, --action, --from.

import { basename } from 'node:path';
import { parseHandWritten } from '../bytes/canonical-json.ts';
import { parseDuration, parseDurationOrTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import { parseActionInput } from '../governance/action-input.ts';
import type { Action } from '../governance/actions.ts';
import { ATTACHMENT_KIND, ATTACHMENT_NAME } from '../governance/proposal.ts';
import { parseWindow } from '../governance/proposal-draft.ts';
import { RISK_LEVELS, type RiskLevel } from '../governance/risk.ts';
import { LIMITS } from '../limits.ts';
import type { AttachedFile, ProposeRequest, Wish } from '../operations/governance/propose.ts';
import { type ChangeInput, parseChange, parseChangeFile } from '../policy/change.ts';
import { foldScope } from '../policy/tenant.ts';
import { atPlace } from './input-file.ts';
import type { Runtime } from './runtime.ts';

export interface ProposeFlags {
  readonly scope: string | undefined;
  readonly change: readonly string[] | undefined;
  readonly 'change-file': string | undefined;
  readonly action: string | undefined;
  readonly from: string | undefined;
  readonly rationale: string | undefined;
  readonly expires: string | undefined;
  readonly window: string | undefined;
  readonly risk: string | undefined;
  readonly rollback: string | undefined;
  readonly 'rollback-valid': string | undefined;
  readonly attach: readonly string[] | undefined;
  readonly 'new-tenant': boolean;
  readonly signer: string | undefined;
  readonly role: string | undefined;
  readonly ingest: boolean;
  readonly 'confirm-time': boolean;
}

const DAY_MS = 24 * 3_600_000;

function usage(message: string, field: string): never {
  throw new RonError('Usage', message, { field });
}

export async function readProposeInput(
  runtime: Runtime,
  flags: ProposeFlags,
): Promise<{ readonly request: ProposeRequest; readonly draftName: string }> {
  const sources = [
    flags.change?.length ? '--change' : null,
    flags['change-file'] && '--change-file',
    flags.action && '--action',
    flags.from && '--from',
  ].filter(Boolean);
  if (sources.length !== 1) {
    usage(
      sources.length === 0
        ? 'one of --change, --change-file, --action, --from is needed'
        : `${sources.join(' and ')} exclude each other`,
      '--change',
    );
  }
  const common = {
    attachments: await Promise.all((flags.attach ?? []).map((one) => readAttachment(runtime, one))),
    signer: runtime.preferredSigner(flags.signer) ?? null,
    role: flags.role ?? null,
    newTenant: flags['new-tenant'],
    ingest: flags.ingest,
    confirmTime: flags['confirm-time'],
  };
  if (flags.from !== undefined) {
    const bytes = await runtime.readInput(flags.from, LIMITS.signedFileBytes);
    return {
      request: { what: { kind: 'draft', name: flags.from, bytes }, ...common },
      draftName: `${flags.from}.again`,
    };
  }
  const wish = await readWish(runtime, flags);
  const { expires, window } = flags;
  const request: ProposeRequest = {
    what: {
      kind: 'wish',
      wish,
      expires: (nowMs) => (expires === undefined ? nowMs + DAY_MS : parseDurationOrTime(expires, nowMs, '--expires')),
      window: window === undefined ? null : (nowMs) => parseWindow(window, nowMs),
    },
    ...common,
  };
  return { request, draftName: `${wish.scope.replace(':', '-')}.draft.json` };
}

async function readWish(runtime: Runtime, flags: ProposeFlags): Promise<Wish> {
  if (flags.rationale === undefined) usage('--rationale is needed: the approvers read it', '--rationale');
  if (flags.scope === undefined && flags.action === undefined)
    usage('--scope is needed: global or tenant:ID', '--scope');
  const scope = foldScope(flags.scope ?? 'global', '--scope');
  if (flags.scope !== undefined && scope !== flags.scope)
    runtime.host.log.notice(`--scope ${flags.scope} is taken as ${scope}`);
  return {
    scope,
    changes: await readChanges(runtime, flags),
    action: flags.action === undefined ? null : parseActionInput(flags.action, scope),
    rationale: flags.rationale,
    risk: flags.risk === undefined ? null : readRisk(flags.risk),
    rollback: flags.rollback === undefined ? null : readRollback(flags.rollback),
    rollbackValidS:
      flags['rollback-valid'] === undefined
        ? null
        : Math.floor(parseDuration(flags['rollback-valid'], '--rollback-valid') / 1000),
  };
}

async function readChanges(runtime: Runtime, flags: ProposeFlags): Promise<ChangeInput[]> {
  const file = flags['change-file'];
  if (file === undefined) return (flags.change ?? []).map((one) => parseChange(one, '--change'));
  const text = await runtime.readText(file, LIMITS.payloadBytes);
  try {
    return parseChangeFile(parseHandWritten(text, file), file);
  } catch (thrown) {
    throw atPlace(
      thrown,
      '--change-file',
      'Write it as [{"key": KEY, "to": VALUE}, ...]; `ronctl policy keys` lists the keys.',
    );
  }
}

function readRisk(text: string): { readonly level: RiskLevel; readonly text: string } {
  const colon = text.indexOf(':');
  const word = colon < 0 ? text : text.slice(0, colon);
  const level = RISK_LEVELS.find((one) => one === word);
  if (level === undefined) {
    throw new RonError('InvalidValue', `--risk: low, medium or high is expected, not ${JSON.stringify(word)}`, {
      field: '--risk',
    });
  }
  return { level, text: colon < 0 ? '' : text.slice(colon + 1) };
}

function readRollback(text: string): readonly ChangeInput[] | 'none' {
  return text === 'none' ? 'none' : text.split(/,(?=[a-z_.]+=)/).map((one) => parseChange(one, '--rollback'));
}

const MEDIA: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.log': 'text/plain',
  '.html': 'text/html',
  '.xml': 'application/xml',
  '.pdf': 'application/pdf',
};

async function readAttachment(runtime: Runtime, text: string): Promise<AttachedFile> {
  const equals = text.indexOf('=');
  const kind = text.slice(0, Math.max(0, equals));
  const path = text.slice(equals + 1);
  const name = basename(path);
  if (equals <= 0 || !ATTACHMENT_KIND.test(kind)) {
    throw new RonError('InvalidValue', `--attach: KIND=FILE is expected, not ${JSON.stringify(text)}`, {
      field: '--attach',
    });
  }
  if (!ATTACHMENT_NAME.test(name)) {
    throw new RonError(
      'InvalidValue',
      `--attach: the file name ${JSON.stringify(name)} is not [A-Za-z0-9][A-Za-z0-9._-]{0,63}`,
      { field: '--attach' },
    );
  }
  const mediaType = MEDIA[/\.[a-z0-9]+$/.exec(name.toLowerCase())?.[0] ?? ''] ?? 'application/octet-stream';
  return { kind, name, mediaType, bytes: await runtime.readInput(path, LIMITS.attachmentBytes) };
}

/** The request of a command that has built its action itself. */
export function proposeAction(
  runtime: Runtime,
  action: Action,
  flags: Pick<ProposeFlags, 'expires' | 'signer' | 'role' | 'ingest' | 'confirm-time'> & { readonly rationale: string },
): ProposeRequest {
  const { expires } = flags;
  const wish: Wish = {
    scope: 'global',
    changes: [],
    action,
    rationale: flags.rationale,
    risk: null,
    rollback: null,
    rollbackValidS: null,
  };
  return {
    what: {
      kind: 'wish',
      wish,
      expires: (nowMs) => (expires === undefined ? nowMs + DAY_MS : parseDurationOrTime(expires, nowMs, '--expires')),
      window: null,
    },
    attachments: [],
    signer: runtime.preferredSigner(flags.signer) ?? null,
    role: flags.role ?? null,
    newTenant: false,
    ingest: flags.ingest,
    confirmTime: flags['confirm-time'],
  };
}
