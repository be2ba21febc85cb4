// The three acts of `governance init` (governance page 3): a draft, one signature on it, its adoption. Which of them is meant
// follows from the flags; files are read and people are asked here, the rest is done by the operations. Refuses flags that do
// not go together, with their name.

import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { adoptGenesis } from '../operations/governance/genesis-adopt.ts';
import type { GenesisOutcome } from '../operations/governance/genesis-result.ts';
import { signGenesisDraft } from '../operations/governance/genesis-sign.ts';
import { draftGenesis } from '../operations/governance/init.ts';
import { confirmGenesis } from './confirm-genesis.ts';
import { memberSources } from './member-sources.ts';
import type { Runtime } from './runtime.ts';

export type GenesisFlags = Parameters<Runtime['deps']>[0] & {
  readonly members?: string | undefined;
  readonly threshold?: number | undefined;
  readonly name?: string | undefined;
  readonly auditor?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly supersedes?: string | undefined;
  readonly sign?: string | undefined;
  readonly adopt?: boolean | undefined;
  readonly 'confirm-time': boolean;
  readonly signer?: string | undefined;
  readonly 'expect-digest'?: string | undefined;
  readonly out?: string | undefined;
};

/** `files` are the arguments behind the flags. Throws Usage, and what reading and the operations throw. */
export function genesisOutcome(
  flags: GenesisFlags,
  files: readonly string[],
  runtime: Runtime,
): Promise<GenesisOutcome> {
  if (flags.adopt === true) return adopt(flags, files, runtime);
  if (files[0] !== undefined) throw usage('--adopt', `${files[0]}: files follow --adopt only`);
  return flags.sign === undefined ? draft(flags, runtime) : sign(flags, flags.sign, runtime);
}

const usage = (field: string, message: string): RonError => new RonError('Usage', message, { field });

async function adopt(flags: GenesisFlags, files: readonly string[], runtime: Runtime): Promise<GenesisOutcome> {
  if (files.length === 0) throw usage('--adopt', '--adopt needs the signed files');
  const read = await Promise.all(
    files.map(async (name) => ({ name, bytes: await runtime.readInput(name, LIMITS.signedFileBytes) })),
  );
  return adoptGenesis({ files: read, confirmTime: flags['confirm-time'] }, runtime.deps(flags));
}

async function sign(flags: GenesisFlags, what: string, runtime: Runtime): Promise<GenesisOutcome> {
  const signer = runtime.preferredSigner(flags.signer);
  if (signer === undefined) throw usage('--signer', '--sign needs --signer ID');
  if (flags.out === undefined) throw usage('--out', '--sign needs --out FILE');
  const deps = runtime.deps(flags);
  const bytes = await runtime.readInput(what, LIMITS.signedFileBytes);
  const expectDigest = flags['expect-digest'];
  const digest = await confirmGenesis(runtime, { bytes, what, act: 'sign genesis', expectDigest, deps });
  return signGenesisDraft({ bytes, what, signer, digest }, deps);
}

async function draft(flags: GenesisFlags, runtime: Runtime): Promise<GenesisOutcome> {
  const { members, threshold, auditor } = flags;
  if (members === undefined || threshold === undefined) {
    throw usage(members === undefined ? '--members' : '--threshold', 'a new genesis needs --members and --threshold');
  }
  const request = {
    members: await memberSources(runtime, members),
    threshold,
    name: flags.name ?? 'main',
    auditor: auditor === undefined ? null : ((await memberSources(runtime, auditor))[0] ?? null),
    set: flags.set ?? [],
    supersedes: flags.supersedes ?? null,
    draftOnly: flags.out !== undefined,
    confirmTime: flags['confirm-time'],
  };
  return draftGenesis(request, runtime.deps(flags));
}
