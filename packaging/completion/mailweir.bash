# Bash completion of mailweir(1). Install as /usr/share/bash-completion/completions/mailweir, or source it.

# Prints the ids of waiting messages that begin with what has been typed; nothing when no server answers.
_mailweir_ids() {
  mailweir "$@" queue --list --count 200 --json 2>/dev/null |
    sed -n 's/^ *"message": "\([0-9A-Z]*\)".*/\1/p' | sort -u
}

_mailweir() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local word words=() socket=() skip=""
  COMPREPLY=()

  case $previous in
    --socket | --config)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return ;;
    --personality) mapfile -t COMPREPLY < <(compgen -W "$(mailweir sink --list 2>/dev/null | cut -d' ' -f1)" -- "$current"); return ;;
    --phase) mapfile -t COMPREPLY < <(compgen -W "banner ehlo starttls auth mail rcpt data end_of_data idle" -- "$current"); return ;;
    --dsn | --rules) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --ledger | --log | --tls-dir) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --lang) mapfile -t COMPREPLY < <(compgen -W "en ja" -- "$current"); return ;;
    --color) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$current"); return ;;
    --by) mapfile -t COMPREPLY < <(compgen -W "provider domain class tenant" -- "$current"); return ;;
    --state) mapfile -t COMPREPLY < <(compgen -W "queued deferred held" -- "$current"); return ;;
    --provider | --domain | --class | --tenant | --rows | --count | --after | --reason | --from | --to | --not-before | \
      --source | --rate | --connections | --for | --mx | --set | --seed | --listen | --http | --hostname | --threads)
      return ;;
  esac

  # The words that are neither options nor their values: command, subcommand, arguments.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $skip in
      --socket) socket=(--socket "$word") ;;
    esac
    if [[ -n $skip ]]; then skip=""; continue; fi
    case $word in
      --socket | --config | --lang | --color | --by | --state | --provider | --domain | --class | --tenant | --rows | --count | \
        --after | --reason | --from | --to | --not-before | --personality | --set | --seed | --listen | --http | --ledger | --log | \
        --hostname | --tls-dir | --threads | --mx | --phase | --dsn | --rules | --source | --rate | --connections | \
        --for) skip=$word ;;
      -?*) ;;
      *) words+=("$word") ;;
    esac
  done

  local global="--socket --config --lang --color --json --help"
  local filter="--provider --domain --class --tenant --state"
  local choices=""
  case ${words[0]-} in
    "") choices="serve sink simulate status queue trace message config send explain path unknown classify catalogue $global --version" ;;
    serve) choices="--config --help" ;;
    simulate) choices="--seed --report --events --compare --json --lang --help"; mapfile -t COMPREPLY < <(compgen -f -W "$choices" -- "$current"); return ;;
    sink) choices="--personality --set --seed --listen --http --ledger --log --hostname --tls-dir --no-tls --threads --list --parameters --lang --help" ;;
    status) choices="--rows $global" ;;
    queue) choices="--by --rows --list --after --count $filter $global" ;;
    trace) [[ $current == -* ]] && choices=$global || choices=$(_mailweir_ids "${socket[@]}") ;;
    message)
      case ${words[1]-} in
        "") choices="show retry hold release delete $global" ;;
        show) [[ $current == -* ]] && choices="--content $global" || choices=$(_mailweir_ids "${socket[@]}") ;;
        retry | hold | release) [[ $current == -* ]] && choices="--all --dry-run --reason $filter $global" || choices=$(_mailweir_ids "${socket[@]}") ;;
        delete) [[ $current == -* ]] && choices="--all --dry-run --reason --yes $filter $global" || choices=$(_mailweir_ids "${socket[@]}") ;;
      esac ;;
    config)
      case ${words[1]-} in
        "") choices="check show reload $global" ;;
        check)
          [[ $current == -* ]] || { mapfile -t COMPREPLY < <(compgen -f -- "$current"); return; }
          choices=$global ;;
        show) choices="--non-default $global" ;;
        *) choices=$global ;;
      esac ;;
    explain) [[ $current == -* ]] && choices="--path $global" || choices=$(_mailweir_ids "${socket[@]}") ;;
    path)
      case ${words[1]-} in
        "") choices="list pause resume slow cap forget hands undo $global" ;;
        list) choices="--source --provider --rows $global" ;;
        pause) choices="--for --reason $global" ;;
        slow) choices="--rate --for --reason $global" ;;
        cap) choices="--rate --connections --for --reason $global" ;;
        *) choices="--reason $global" ;;
      esac ;;
    unknown) choices=$global ;;
    classify) choices="--provider --mx --phase --dsn --rules $global" ;;
    catalogue)
      case ${words[1]-} in
        "") choices="check --rules $global" ;;
        *) mapfile -t COMPREPLY < <(compgen -f -W "$global" -- "$current"); return ;;
      esac ;;
    send)
      [[ $current == -* ]] || { mapfile -t COMPREPLY < <(compgen -f -- "$current"); return; }
      choices="--from --to --class --tenant --not-before $global" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _mailweir mailweir
