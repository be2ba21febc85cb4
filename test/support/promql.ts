// Reads a PromQL expression as far as a test needs it: which series it asks for with which label matchers, and by which
// labels it groups. Whatever it does not understand throws, so that no query passes unread.

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Selector {
  readonly name: string;
  readonly matchers: readonly Matcher[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring`. */
  readonly grouping: readonly string[];
}

const FUNCTIONS = ['avg_over_time', 'histogram_quantile', 'increase', 'max_over_time', 'rate', 'sum', 'topk'];
const GROUPING = ['by', 'without', 'on', 'ignoring'];
const WORDS = ['and', 'or', 'unless'];
const TOKEN =
  /\s+|([a-z_][a-z0-9_]*)(\{[^}]*\})?|(\d+(?:\.\d+)?(?:e-?\d+)?)|(\[\d+[smhd]\])|(==|!=|>=|<=|[-+*/<>(),])/gy;
const MATCHER = /([a-z_][a-z0-9_]*)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"(,|$)/gy;

function matchers(braces: string): Matcher[] {
  const text = braces.slice(1, -1);
  const out: Matcher[] = [];
  MATCHER.lastIndex = 0;
  while (MATCHER.lastIndex < text.length) {
    const found = MATCHER.exec(text);
    if (found === null) throw new Error(`not a list of matchers: ${braces}`);
    out.push({ label: found[1]!, op: found[2] as Matcher['op'], value: found[3]! });
    if (found[4] === '') break;
  }
  return out;
}

export function parseQuery(expr: string): Query {
  const tokens: { readonly word?: string; readonly braces?: string | undefined; readonly text: string }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < expr.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(expr);
    if (found === null) throw new Error(`not understood: ${expr.slice(at)}`);
    if (found[0].trim() === '') continue;
    tokens.push(found[1] === undefined ? { text: found[0] } : { word: found[1], braces: found[2], text: found[0] });
  }
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  let depth = 0;
  for (let i = 0; i < tokens.length; i += 1) {
    const { word, braces, text } = tokens[i]!;
    const next = tokens[i + 1]?.text;
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (word === undefined) continue;
    if (GROUPING.includes(word) && next === '(') {
      for (i += 2; tokens[i]?.text !== ')'; i += 1) {
        const label = tokens[i]?.word;
        if (label === undefined && tokens[i]?.text !== ',') throw new Error(`not a list of labels in ${expr}`);
        if (label !== undefined) grouping.push(label);
      }
    } else if (next === '(' || GROUPING.includes(tokens[i + 1]?.word ?? '')) {
      if (!FUNCTIONS.includes(word) && !WORDS.includes(word)) throw new Error(`no function ${word} in ${expr}`);
    } else if (!WORDS.includes(word)) {
      selectors.push({ name: word, matchers: braces === undefined ? [] : matchers(braces) });
    }
  }
  if (depth !== 0) throw new Error(`parentheses do not match in ${expr}`);
  return { selectors, grouping };
}
