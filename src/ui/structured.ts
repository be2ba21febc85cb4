// Results as JSON or YAML: one value, one line feed at its end. yaml is loaded only when it is asked for.

export type Format = 'table' | 'json' | 'yaml';

export const FORMATS = ['table', 'json', 'yaml'] as const satisfies readonly Format[];

/** Compact JSON on one line, so that streams are one envelope per line. Control and bidi characters are escaped. */
export function printJson(value: unknown): string {
  const text = JSON.stringify(value).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

export async function printYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(JSON.parse(printJson(value)), { lineWidth: 0, aliasDuplicateObjects: false });
}
