import { quote } from '../quote.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A script that has bash complete a program's commands, options and choices. Works from bash 3.2 on. */
export function bashCompletion(name: string, vocabularies: readonly Vocabulary[]): string {
  const paths = vocabularies.map(({ path }) => path).filter(Boolean);
  return `# bash completion of ${name}: source it, or put it where bash-completion looks
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} typed='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${typed:+$typed }\${COMP_WORDS[i]}" in
      ${paths.map(quote).join('|')})
        typed="\${typed:+$typed }\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$typed $prev" in
${vocabularies.flatMap(valueCases).join('\n')}
  esac
  case "$typed" in
${vocabularies.map((vocabulary) => wordCase(name, vocabulary)).join('\n')}
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
_${name}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
complete -F _${name} ${name}
`;
}

/** After an option that takes a value: its choices, or nothing that we could know. */
function valueCases({ path, options }: Vocabulary): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ name, choices }) => {
      const words = choices === null ? '' : `words=${quote(choices.join(' '))}; `;
      const reply = words && `COMPREPLY=($(compgen -W "$words" -- "$cur")); `;
      return `    ${quote(`${path} ${name}`)}) ${words}${reply}return ;;`;
    });
}

function wordCase(name: string, vocabulary: Vocabulary): string {
  const { path, commands, options, choices, takesFile } = vocabulary;
  const words = [
    ...commands.map((command) => command.name),
    ...(choices ?? []),
    ...options.map((option) => option.name),
  ];
  const files = takesFile ? ` [[ $cur == -* ]] || _${name}_files "$cur";` : '';
  return `    ${quote(path)})${files} words=${quote(words.join(' '))} ;;`;
}
