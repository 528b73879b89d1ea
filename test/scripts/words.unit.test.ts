import { expect, test } from 'vitest';
import { PROJECT_FILES, readProjectFile } from './_project-files.ts';

/** Files with prose: documents, comments, messages, test names. */
const WITH_PROSE = /\.(?:[cm]?[jt]s|sql|md|ya?ml|sh)$|(?:^|\/)Dockerfile$|^\.ci\//;
/** Written by programs, or this list itself. */
const EXEMPT = ['test/scripts/words.unit.test.ts'];

interface WordRule {
  readonly found: RegExp;
  readonly say: string;
}

/** Words and constructions that readers found hard to understand, with what to write instead. */
const RULES: readonly WordRule[] = [
  word('mend|mends|mended|mending', '"fix"'),
  word('lest', '"so that … not", "to avoid"'),
  word('whom', 'the noun: "the tenants that …"'),
  word('somebody|anybody', 'the noun: "an operator", "another process", "any caller"'),
  word('whoever', 'the noun: "the caller", "senders that …"'),
  word('(?:take|takes|took|taking) in(?! (?:turns|order))', '"import", "accept", "ingest"'),
  word('taken in(?=[.,;:)]| (?:with|and|by|again)\\b)', '"imported", "accepted", "ingested"'),
  word('told of', '"notified of", "called when"'),
  word('(?:go|goes|went) on(?! (?:an?|its|the|their)\\b)', '"continue"'),
  word('(?:have|has|had) to do with', '"concern", "belong to"'),
  word('(?:is|are|was|were) of', '"belongs to", "comes from", "has"'),
  word('(?<!there )(?:is|are|was) none', '"isn\'t one", "does not exist"'),
  word('of which there', 'two sentences'),
  word('where (?:there is none|none (?:is|was))', '"if there is none", "without one"'),
  word('(?:come|comes|came) of', '"result", "outcome", "comes from"'),
  word('of before', '"earlier", "existing"'),
  word('invoices? that stands?|(?:that|what) stands?(?=[.,;:)])', '"the live invoice"'),
  word('anew', '"again"'),
  word('amid', '"during", "among"'),
  word('but for', '"except for"'),
  word('for ever', '"forever"'),
  word('held against', '"compared with"'),
  word('lies? (?:in|at|beside|with)', '"is in", "is next to"'),
  { found: /\bbesides(?=[.,:;)])/gi, say: '"also", "in addition"' },
  { found: /\bmeanwhile\b/g, say: '"in the meantime", "concurrently", "since"' },
  { found: /(?<=[.:,]\s+)[Ee]lse\b(?!\s+(?:if|\{|return|throw))/g, say: '"otherwise"' },
  {
    found: sentence('Who [^.?!\\n]{26}'),
    say: 'the noun as subject: "Tenants without an invoice …"',
  },
  {
    found: sentence(
      '(?:Are|Can|Did|Do|Does|Had|Has|Is|Should|Was|Were) (?:a|an|it|its|nothing|one|that|the|there|they|this)\\b[^.?!]*,',
    ),
    say: '"If … ,"',
  },
];

function word(alternatives: string, say: string): WordRule {
  return { found: new RegExp(`\\b(?:${spaced(alternatives)})\\b`, 'gi'), say };
}

/** A sentence with this beginning that isn't a question. */
function sentence(beginning: string): RegExp {
  return new RegExp(`(?<=(?:[.!?:]|/\\*\\*|^|\\n)\\s+)${spaced(beginning)}[^.?!\\n]*[.!:]`, 'g');
}

/** Any white space where the pattern has a space: prose wraps. */
function spaced(pattern: string): string {
  return pattern.replaceAll(' ', '\\s+');
}

/** The prose in its place: everything else is blanked out, and wrapped lines are joined by spaces. */
function proseOf(file: string): string {
  const text = readProjectFile(file);
  if (!file.endsWith('.md')) {
    return text.replaceAll(/\n[ \t]*(?:\*(?!\/)|\/\/|--|#)[ \t]*(?=\S)/g, blank);
  }
  return text
    .replaceAll(/^<!-- (\w+): written by [\s\S]*?^<!-- \1: end -->/gm, keepLines)
    .replaceAll(/^( *)```[\s\S]*?^\1```/gm, keepLines)
    .replaceAll(/`[^`\n]+`/g, (code) => 'x'.repeat(code.length))
    .replaceAll(/(?<=[^\n])\n(?![\n#|>*-])/g, ' ');
}

const blank = (text: string) => ' '.repeat(text.length);
const keepLines = (text: string) => text.replaceAll(/[^\n]/g, ' ');

function complaintsAbout(file: string): readonly string[] {
  const prose = proseOf(file);
  return RULES.flatMap(({ found, say }) =>
    [...prose.matchAll(found)].map((match) => {
      const line = readProjectFile(file).slice(0, match.index).split('\n').length;
      const quoted = match[0].replaceAll(/\s+/g, ' ').slice(0, 60);
      return `${file}:${line} "${quoted}": say ${say}`;
    }),
  );
}

test('prose uses plain words', () => {
  const files = PROJECT_FILES.filter((file) => WITH_PROSE.test(file) && !EXEMPT.includes(file));
  expect(files.length).toBeGreaterThan(30);
  expect(files.flatMap(complaintsAbout).join('\n')).toBe('');
});
