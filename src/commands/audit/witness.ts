import { Flags } from '@oclif/core';
import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, forceFlag, lockTimeoutFlag, outFlag, policyFlag, signerFlag } from '../../cli/flags/shared.ts';
import { launchOf } from '../../cli/launch.ts';
import { policySource, requiredPolicy } from '../../cli/policy-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { mergeAnswers, submitCheckpoint } from '../../operations/audit/collect-cosignatures.ts';
import { witnessKeys, witnessRequest } from '../../operations/audit/witness.ts';
import { collectView, witnessKeysView, witnessRequestView } from '../../views/audit/witness.ts';

const ACTS = ['cosign', 'show-keys', 'submit', 'merge'] as const;

/** What only some of the acts read, and which ones. `serve` is none of them. */
const READ_BY: Readonly<Record<string, readonly string[]>> = {
  listen: ['serve'],
  'tls-cert': ['serve'],
  'tls-key': ['serve'],
  signer: ['serve', 'cosign', 'show-keys'],
  'key-name': ['serve', 'cosign', 'show-keys'],
  out: ['cosign'],
  force: ['cosign'],
  'dry-run': ['cosign', 'submit', 'merge'],
};

export default class AuditWitness extends BaseCommand {
  static override summary = 'cosign checkpoints of logs, or collect cosignatures for the own log';
  static override description =
    `Without --cosign, --show-keys, --submit or --merge: serves the C2SP tlog-witness protocol over HTTP until a signal. A checkpoint is cosigned with Ed25519 and ML-DSA-44 after both log signatures and the consistency proof from what was cosigned before; that is kept durably before the answer. It knows the logs of pinned ledgers and those that the log lines of --policy name with both keys.

The keys are of a signer of this home, made from its root key for this alone. --cosign does the same for a request file, on a machine without a network (written by audit prove --consistency). --submit asks the witnesses whose lines in the policy have a URL, --merge takes in signature lines from files; both keep the newest checkpoint that meets the policy in audit/e<N>/cosigned, and need no passphrase. See ronctl-witness(7).

Exit codes of --cosign: 11 a log that is not known here, 10 a bad signature or proof, 15 another size was cosigned last. --submit: 11 when the policy is not met.`;
  static override examples = [
    '<%= config.bin %> audit witness --signer alice --listen 127.0.0.1:7460',
    '<%= config.bin %> audit witness --show-keys --signer alice --key-name witness.example.org/alice',
    '<%= config.bin %> audit witness --cosign acme.request --out acme.cosignatures',
    '<%= config.bin %> audit witness --submit --policy witnesses.policy',
    '<%= config.bin %> audit witness --merge acme.cosignatures --policy witnesses.policy',
  ];
  static override flags = {
    listen: Flags.string({ summary: 'address to serve on [default: 127.0.0.1:0]', helpValue: 'HOST:PORT' }),
    'tls-cert': Flags.string({ summary: 'certificate (PEM), for an address that is not loopback', helpValue: 'FILE' }),
    'tls-key': Flags.string({ summary: 'its private key (PEM, 0600)', helpValue: 'FILE' }),
    cosign: Flags.string({ summary: 'cosign what this request file asks for; - is stdin', helpValue: 'FILE' }),
    'show-keys': Flags.boolean({ summary: 'print the verifier keys, as lines of a policy' }),
    submit: Flags.boolean({ summary: 'ask the witnesses of the policy for the newest checkpoint of this home' }),
    merge: Flags.string({
      summary: 'take in the signature lines of witnesses; may be repeated',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    policy: policyFlag,
    'key-name': Flags.string({
      summary: 'key name to cosign under, chosen once: a URL without scheme',
      helpValue: 'NAME',
    }),
    signer: signerFlag,
    out: outFlag,
    force: forceFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof AuditWitness>, runtime: Runtime): Promise<Outcome> {
    const acts = ACTS.filter((act) => flags[act] !== undefined && flags[act] !== false);
    if (acts.length > 1) {
      throw new RonError('Usage', `--${acts[0]} and --${acts[1]} are two different things`, { field: `--${acts[1]}` });
    }
    const act = acts[0] ?? 'serve';
    for (const [flag, readers] of Object.entries(READ_BY)) {
      const value = (flags as Readonly<Record<string, unknown>>)[flag];
      if (value === undefined || value === false || readers.includes(act)) continue;
      const shown = act === 'serve' ? 'a witness that serves' : `--${act}`;
      throw new RonError('Usage', `--${flag} says nothing to ${shown}`, { field: `--${flag}` });
    }
    const deps = runtime.deps(flags);
    if (act === 'submit') {
      const policy = await requiredPolicy(runtime, flags.policy);
      const { signal } = new AbortController();
      const data = await submitCheckpoint({ policy, ask: null, signal }, deps);
      const missing = [...data.quorum.missing, ...data.quorum.bad].join(', ');
      const error =
        data.quorum.met || data.dry_run
          ? undefined
          : new RonError('Inconclusive', `the witness policy is not met: ${missing}`, { field: 'witness-quorum' });
      return { data, text: () => collectView(data), error };
    }
    if (act === 'merge') {
      const policy = await requiredPolicy(runtime, flags.policy);
      const answers = [];
      for (const name of flags.merge ?? []) {
        answers.push({ name, bytes: await runtime.readInput(name, LIMITS.witnessBodyBytes) });
      }
      const data = await mergeAnswers({ policy, answers }, deps);
      return { data, text: () => collectView(data) };
    }
    const witness = {
      signer: runtime.preferredSigner(flags.signer) ?? null,
      name: flags['key-name'],
      policy: await policySource(runtime, flags.policy),
    };
    if (act === 'show-keys') {
      const data = await witnessKeys(witness, deps);
      return { data, text: () => witnessKeysView(data) };
    }
    if (act === 'cosign') {
      const body = await runtime.readInput(flags.cosign!, LIMITS.witnessBodyBytes);
      const data = await witnessRequest({ ...witness, body }, deps);
      if (flags.out !== undefined && data.lines !== null) {
        await runtime.writeOutput(flags.out, utf8(data.lines), { force: flags.force });
      }
      return { data, text: () => witnessRequestView(data, flags.out) };
    }
    const { 'tls-cert': cert, 'tls-key': key } = flags;
    if ((cert === undefined) !== (key === undefined)) {
      throw new RonError('Usage', '--tls-cert and --tls-key belong together', {
        field: cert === undefined ? '--tls-cert' : '--tls-key',
      });
    }
    const tls = cert === undefined || key === undefined ? null : { cert: runtime.path(cert), key: runtime.path(key) };
    const { serveWitnessCommand } = await import('../../cli/witness-serve.ts');
    const listen = flags.listen ?? '127.0.0.1:0';
    return serveWitnessCommand({ runtime, launch: launchOf(this.config), deps, witness, listen, tls });
  }
}
