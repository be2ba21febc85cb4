import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { chainFormatFlag } from '../../cli/flags/audit.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { onlineFlags, policyFlag, unsealFlag } from '../../cli/flags/shared.ts';
import { policySource } from '../../cli/policy-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { GivenNote } from '../../operations/audit/given-checkpoints.ts';
import { auditVerify, sealedHeadKeys } from '../../operations/audit/verify.ts';
import { verifiedFile } from '../../operations/audit/verify-artefact.ts';
import { verdictError } from '../../operations/audit/verify-result.ts';
import { auditVerifyView } from '../../views/audit/verify.ts';

export default class AuditVerify extends BaseCommand {
  static override summary = 'judge the whole audit log: consistent, inconclusive or tampered';
  static override description =
    `Reads every record, tile and checkpoint again from its bytes: hash chain, Merkle tree, both signatures of every checkpoint, kid counters, generations, ledger order, clock, the schema of every record. Compares with the newest checkpoint that this home has verified before, and remembers the newest one when all is well.

DIR is a copy of a home or of its audit directory, or a directory that audit export wrote; or what a sink of a server wrote (audit.sinks), where records behind the last checkpoint are counted as not final; a redacted export or a single checkpoint is given as a file, a ron-audit chain as a file with --format ron-audit. Keys come from this home, or where it knows none from the log lines of --policy, never from what is judged. Without DIR: the log of this home, or with --kms that of the server, whose bytes are judged here, with the keys and the remembered checkpoint of this home. Needs no passphrase; --unseal also checks the tail behind the newest checkpoint against the authenticated head, which needs that of the store.

--anchor FILE: the log must contain that checkpoint, whoever kept it. --since-anchor FILE, or --since-anchor remembered: takes the tree up to that checkpoint from the tiles, whose root must be its own, and reads only the records behind it; the result says so. A fork leaves both checkpoints in an evidence file.

What an interrupted run had done of a log of over 1 GiB (--resumable: of any size) is compared byte for byte and not judged again; the result says how much that was. With --kms, and over an export with gaps, it begins anew.

--policy FILE: as many cosignatures of witnesses as it says, on the newest checkpoint or on the newest one that was cosigned (cosigned), of whatever is judged; a tlog-proof is judged by audit check-proof --policy. Nobody signs a ron-audit chain, so there it is refused.

Exit codes: 0 consistent, 10 tampered, 11 inconclusive, 4 no log, 3 not an audit log. Records behind the newest checkpoint are counted as the unsigned tail.`;
  static override examples = [
    '<%= config.bin %> audit verify',
    '<%= config.bin %> audit verify /backup/audit --json',
    '<%= config.bin %> audit verify --kms local',
    '<%= config.bin %> audit verify --anchor last-year.checkpoint',
    '<%= config.bin %> audit verify part.jsonl --policy witnesses.policy',
    '<%= config.bin %> audit verify --since-anchor remembered',
    '<%= config.bin %> audit verify --unseal --passphrase-file store.pass',
  ];
  static override args = {
    dir: Args.string({
      name: 'DIR',
      description: 'a home, an audit directory, an export or a checkpoint; default: this home',
    }),
  };
  static override flags = {
    format: chainFormatFlag,
    fast: Flags.boolean({ summary: 'hashes, links, tree, tiles and checkpoints only; the result says so' }),
    anchor: Flags.string({ summary: 'checkpoint that the log must contain', helpValue: 'FILE' }),
    'since-anchor': Flags.string({
      summary: 'read only what follows this checkpoint; `remembered` is that of this home',
      helpValue: 'FILE|remembered',
    }),
    resumable: Flags.boolean({
      summary: 'keep what is done of a log below 1 GiB too, so that an interrupted run goes on',
    }),
    unseal: unsealFlag,
    policy: policyFlag,
    archive: Flags.directory({ summary: 'where segments lie that audit archive took away', helpValue: 'DIR' }),
    ...onlineFlags,
    ...passphraseFlags,
  };

  override async perform({ args, flags }: Input<typeof AuditVerify>, runtime: Runtime): Promise<Outcome> {
    for (const given of [
      args.dir === undefined ? null : 'DIR',
      flags.format === undefined ? null : '--format',
      flags.unseal ? '--unseal' : null,
      flags.archive === undefined ? null : '--archive',
      flags.resumable ? '--resumable' : null,
    ]) {
      if (runtime.online === null || given === null) continue;
      throw new RonError('Usage', `${given} is about files of this machine, and --kms names a server`, {
        field: given,
        hint: 'Leave one of them away; --kms none overrides RONCTL_KMS and kms.url.',
      });
    }
    if (flags.format !== undefined && args.dir === undefined) {
      throw new RonError('Usage', `--format ${flags.format} needs the FILE`, { field: '--format' });
    }
    const deps = await runtime.readDeps(flags);
    const target =
      args.dir === undefined
        ? null
        : runtime.inputPath(args.dir, flags.format === undefined ? 'file or directory' : 'file');
    const policy = await policySource(runtime, flags.policy);
    const verified = target === null ? null : await verifiedFile(target, policy, flags, deps);
    if (verified !== null)
      return { data: verified, text: () => auditVerifyView(verified), error: verdictError(verified) };
    const headKeys = flags.unseal ? sealedHeadKeys(deps) : null;
    const archive = flags.archive === undefined ? null : runtime.inputPath(flags.archive, 'directory');
    const read = async (name: string): Promise<GivenNote> => ({
      name,
      note: await runtime.readInput(name, LIMITS.signedFileBytes),
    });
    const since = flags['since-anchor'];
    const request = {
      target,
      server: runtime.online?.name,
      fast: flags.fast,
      resumable: flags.resumable,
      headKeys,
      archive,
      policy,
      anchor: flags.anchor === undefined ? null : await read(flags.anchor),
      since: since === undefined ? null : since === 'remembered' ? ('remembered' as const) : await read(since),
    };
    const data = await auditVerify(request, deps);
    return { data, text: () => auditVerifyView(data), error: verdictError(data) };
  }
}
