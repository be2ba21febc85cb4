// The topics config and migrate, and `ronctl policy check`, for people.

import type { ConfigCheckResult } from '../../operations/config/check.ts';
import type { ConfigGetResult } from '../../operations/config/get.ts';
import type { ConfigMigrateResult } from '../../operations/config/migrate.ts';
import type { ConfigSampleResult } from '../../operations/config/sample.ts';
import type { MigrateResult } from '../../operations/migrate/ron-kms.ts';
import type { PolicyCheckResult } from '../../operations/policy/check.ts';
import { type Block, line, list, type TextModel } from '../../ui/text-model.ts';

const lines = (text: string): Block[] =>
  text
    .trimEnd()
    .split('\n')
    .map((one) => line(one));

/** Exactly the file, so that it can be redirected; warnings go to stderr. */
export function configGetView({ text }: ConfigGetResult): TextModel {
  return lines(text);
}

export function configSampleView({ text }: ConfigSampleResult): TextModel {
  return lines(text);
}

interface Wrong {
  readonly message: string;
  readonly hint: string;
}

const wrongLines = (violations: readonly Wrong[]): Block[] =>
  violations.flatMap(({ message, hint }) => [line(message, 'bad'), line(`  ${hint}`, 'dim')]);

const NAMES = { client: 'client configuration', 'ron-kms': 'configuration of kms serve' } as const;

export function configCheckView({ file, subject, format, valid, violations, warnings }: ConfigCheckResult): TextModel {
  return [
    line(`${file}: ${NAMES[subject]}, ${format.toUpperCase()}`),
    ...wrongLines(violations),
    ...warnings.map((one) => line(`warning: ${one}`, 'warn')),
    valid ? line('accepted', 'good') : line(`not accepted: ${violations.length} to correct`, 'bad'),
  ];
}

const changeText = ({ line: at, from, to }: ConfigMigrateResult['changes'][number]): string =>
  `line ${at}: ${from} becomes ${to.join(' and ')}`;

export function configMigrateView({ file, changes, rewritten, out }: ConfigMigrateResult): TextModel {
  if (changes.length === 0) return [line(`${file}: current names only; nothing to migrate`, 'good')];
  return [
    line(`${file}:`),
    list(changes.map(changeText)),
    ...(rewritten ? [line('The file was written anew: its comments are not in it.', 'warn')] : []),
    line(`written: ${out}`),
  ];
}

export function migrateView({ home, config, variables, dry_run: dry }: MigrateResult): TextModel {
  const nothing = config.changes.length === 0;
  return [
    line(
      home.format === null
        ? `home ${home.path}: there is none yet`
        : `home ${home.path}: ${home.format}, no migration is pending`,
    ),
    ...(config.file === null
      ? [line('configuration: no ron-kms.toml')]
      : nothing
        ? [line(`configuration ${config.file}: current names only`)]
        : [line(`configuration ${config.file}:`), list(config.changes.map(changeText))]),
    ...(nothing
      ? []
      : [line(dry ? `would keep the old file as ${config.backup}` : `the old file is ${config.backup}`)]),
    ...variables.map(({ name, use }) => line(`variable ${name} is an older name; set ${use} instead`, 'warn')),
    line(
      nothing && variables.length === 0 ? 'nothing to migrate' : dry ? 'dry run: nothing was written' : 'done',
      'good',
    ),
  ];
}

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export function policyCheckView(result: PolicyCheckResult): TextModel {
  const { file, governed, profile, ledger_id: ledger, within, violations, refused, tighter } = result;
  const from = governed ? `ledger ${ledger}` : 'ungoverned';
  return [
    line(`${file ?? 'environment and defaults'} against the policy in force: profile ${profile}, ${from}`),
    ...wrongLines([...refused, ...violations]),
    ...tighter.map((one) =>
      line(`${one.origin}: ${one.key} = ${valueText(one.configured)} is tighter than ${valueText(one.policy)}`),
    ),
    within ? line('within the policy', 'good') : line('not within the policy', 'bad'),
  ];
}
