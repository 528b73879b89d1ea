import { quote } from '../quote.ts';
import type { Vocabulary, Word } from './vocabulary.ts';

/** A script that has zsh complete a program's commands, options and choices, with their descriptions. */
export function zshCompletion(name: string, vocabularies: readonly Vocabulary[]): string {
  const paths = vocabularies.map(({ path }) => path).filter(Boolean);
  return `#compdef ${name}
# zsh completion of ${name}: source it, or put it as _${name} into a folder of $fpath
_${name}() {
  local typed='' word
  local -a known options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${typed:+$typed }$word" in
      (${paths.map(quote).join('|')})
        typed="\${typed:+$typed }$word" ;;
    esac
  done
  case "$typed \${words[CURRENT-1]}" in
${vocabularies.flatMap(valueCases).join('\n')}
  esac
  case "$typed" in
${vocabularies.map(wordCase).join('\n')}
  esac
  (( $#known )) && _describe 'command' known
  _describe -o 'option' options
}
compdef _${name} ${name}
`;
}

function valueCases({ path, options }: Vocabulary): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ name, choices }) => {
      const add = choices === null ? '' : `compadd -- ${choices.map(quote).join(' ')}; `;
      return `    (${quote(`${path} ${name}`)}) ${add}return ;;`;
    });
}

function wordCase({ path, commands, options, choices, takesFile }: Vocabulary): string {
  const known = [
    ...commands,
    ...(choices ?? []).map((choice) => ({ name: choice, description: '' })),
  ];
  return [
    `    (${quote(path)})`,
    ...(takesFile ? ['      _files'] : []),
    `      known=(${known.map(describe).join(' ')})`,
    `      options=(${options.map(describe).join(' ')}) ;;`,
  ].join('\n');
}

/** A colon parts the word from its description. */
function describe({ name, description }: Word): string {
  const word = name.replaceAll(':', String.raw`\:`);
  return quote(description === '' ? word : `${word}:${description}`);
}
