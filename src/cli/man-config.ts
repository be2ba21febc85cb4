// The manual page ron-kms.toml(5) in mdoc, from the tables of server keys and older names. Pure text: bin/man.js writes it to
// man/, and a test regenerates and compares.

import { COMPOUND_ALIASES, REFUSED_KEYS, REFUSED_VARIABLES, REMOVED_IN } from '../config/server-aliases.ts';
import { type ServerKey, serverKeys } from '../config/server-keys.ts';
import { expectedText, toText } from '../config/server-value.ts';
import { argument, DATE, prose, sentence } from './man-page.ts';

const HEAD = `.\\" Generated from the table of configuration keys: npm run build && npm run man.
.Dd ${DATE}
.Dt RON-KMS.TOML 5
.Os ronctl
.Sh NAME
.Nm ron-kms.toml
.Nd configuration of ronctl kms serve
.Sh DESCRIPTION
A value comes from a flag, else from the environment, else from the file, else it has a default.
An empty variable counts as not set.
.Pp
The file is TOML, or JSON when it begins with a brace.
Unknown keys are refused (3) with file, line and column, and the nearest names.
So is an unknown variable that begins with
.Ev RON_KMS_ .
Paths are relative to the directory of the file, those of flags and variables to the working directory.
.Pp
The first of these files that exists is read; files are never merged:
.Bl -enum -compact
.It
.Fl -config Ar FILE ,
else
.Ev RON_KMS_CONFIG ,
which must be there
.It
.Pa $RONCTL_HOME/ron-kms.toml
if
.Ev RONCTL_HOME
is set, and then nothing outside it
.It
.Pa \${XDG_CONFIG_HOME:-~/.config}/ronctl/ron-kms.toml
.It
.Pa /etc/ron/ron-kms.toml
.El
.Pp
Without a file the defaults hold, and one log line says so.
.Ss The ledger decides
Once a genesis is pinned, the profile comes from it alone.
A key that is marked
.Sq governed
may be equal to what the ledger says or tighter, by the direction that
.Ql ronctl policy keys
prints; a key without a direction must be equal.
A looser value is refused at start and at a reload, naming both values and where they stand.
A governed key that nobody sets follows the ledger.
.Ql ronctl policy check
asks beforehand.
.Ss Reload
SIGHUP reads all sources again.
A reload that is refused changes nothing.
Keys that are marked
.Sq restart
are taken over by a start only.
.Ss Secrets
No value is a secret.
Passphrases, tokens and PINs come from files, systemd credentials or a variable that a key names; keys that say where are
not shown in the difference that a reload logs.
.Sh KEYS
Durations have a unit (ms, s, m, h), sizes too (B, KB, MB, KiB, MiB, GiB); a bare size is bytes.
Variables hold lists with commas and take 1 and 0 for true and false.
A fraction is rounded to thousandths, to the tighter side.
`;

const FOOT = `.Sh SEE ALSO
.Xr ronctl-config 1 ,
.Xr ronctl-kms 1 ,
.Xr ronctl-policy 1 ,
.Xr ronctl-config 5 ,
.Xr ronctl-governance 7
`;

/** What stands behind `Default` where it is no single value. */
function defaultText(row: ServerKey): string {
  const of = { amnesia: false, backend: 'file', home: '$RONCTL_HOME' } as const;
  const [dev, ...others] = (['dev', 'micronode', 'macronode'] as const).map((profile) => {
    const value = row.default({ ...of, profile });
    return value === null || value === '' ? 'not set' : toText(row.type, value).replaceAll(',', ', ') || 'none';
  }) as [string, string, string];
  const each = `${dev} (micronode: ${others[0]}; macronode: ${others[1]})`;
  return others.every((one) => one === dev) ? dev : each;
}

function item(row: ServerKey): string[] {
  const marks = [...(row.registry === undefined ? [] : ['governed']), ...(row.disruptive === true ? ['restart'] : [])];
  return [
    `.It Li ${row.key}`,
    ...prose(sentence(row.summary)),
    ...prose(sentence(`${expectedText(row.type)}.`)),
    ...prose(`Default: ${defaultText(row)}.`),
    `.Ev ${row.env}`,
    ...(row.flag === undefined ? [] : [`.Fl -${row.flag}`]),
    ...(marks.length === 0 ? [] : [`.Pq ${marks.join(', ')}`]),
  ];
}

const tag = (items: readonly string[]): string[] => ['.Bl -tag -width Ds', ...items, '.El'];

function olderNames(): string[] {
  const plain = serverKeys().flatMap(({ key, env, aliases = [], old = [] }) => [
    ...aliases.map((name) => [`Ev ${name}`, env] as const),
    ...old.map((name) => [`Li ${name}`, key] as const),
  ]);
  const compound = COMPOUND_ALIASES.filter(({ profile }) => profile === undefined).map(
    ({ where, name, replacement }) => [`${where === 'env' ? 'Ev' : 'Li'} ${name}`, replacement] as const,
  );
  const all = [...plain, ...compound, ['Ev RON_CONFIG', 'RON_KMS_CONFIG'] as const];
  return [
    '.Sh OLDER NAMES',
    ...prose(
      `These still count, with a warning, and are removed in ${REMOVED_IN}. An older and a current name with different values are refused. \`ronctl config migrate FILE --out FILE\` renames what stands in a file.`,
    ),
    ...tag(all.flatMap(([name, now]) => [`.It ${name}`, ...prose(now)])),
  ];
}

function overlays(): string[] {
  const items = COMPOUND_ALIASES.filter(({ profile }) => profile === 'micronode');
  return [
    '.Sh MICRONODE',
    ...prose('These count under profile micronode only.'),
    ...tag(
      items.flatMap(({ where, name, replacement }) => [
        `.It ${where === 'env' ? 'Ev' : 'Li'} ${name}`,
        ...prose(replacement),
      ]),
    ),
  ];
}

function refused(): string[] {
  const items = [
    ...Object.entries(REFUSED_VARIABLES).map(([name, hint]) => [`Ev ${name}`, hint] as const),
    ...Object.entries(REFUSED_KEYS).map(([name, hint]) => [`Li ${name}`, hint] as const),
    ...serverKeys().flatMap(({ key, unsupported = {} }) =>
      Object.entries(unsupported).map(([value, hint]) => [`Li ${key} = ${argument(value)}`, hint] as const),
    ),
  ];
  return [
    '.Sh REFUSED BY NAME',
    ...prose('These are known from elsewhere and do not start a server (3).'),
    ...tag(items.flatMap(([name, hint]) => [`.It ${name}`, ...prose(hint)])),
  ];
}

export function serverConfigPage(): string {
  const keys = tag(serverKeys().flatMap(item));
  return `${HEAD}${[...keys, ...olderNames(), ...overlays(), ...refused()].join('\n')}\n${FOOT}`;
}
