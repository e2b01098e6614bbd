/** Each asks `signalbox __complete -- WORDS…`, whose last word is the one being typed, and offers what it prints. */
export const shellScripts = {
  bash: `# bash completion for signalbox
_signalbox() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  local IFS=$'\\n'
  COMPREPLY=($(signalbox __complete -- "\${words[@]}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
  return 0
}
complete -F _signalbox signalbox
`,
  zsh: `#compdef signalbox
_signalbox() {
  local -a found
  found=("\${(@f)$(signalbox __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    compadd -Q -a found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_signalbox" ]; then _signalbox "$@"; else compdef _signalbox signalbox; fi
`,
  fish: `# fish completion for signalbox
function __signalbox_complete
  set -l words (commandline -opc) (commandline -ct)
  signalbox __complete -- $words[2..-1] 2>/dev/null
end
complete -c signalbox -a '(__signalbox_complete)'
`,
} as const;
