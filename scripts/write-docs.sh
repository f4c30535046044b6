#!/usr/bin/env bash
# Writes what is made from the declarations in the code: the recipe schema, the recipe reference and the page
# of the command line. Tests compare these files with what the binary says.
set -euo pipefail
cd "$(dirname "$0")/.."
finetune=${FINETUNE_BINARY:-.build/release/finetune}

"$finetune" recipe schema >Recipes/recipe.schema.json
"$finetune" recipe explain --markdown >Docs/recipes.md

verbs=(pull train eval generate merge quantize export convert compare tokenize "data check" "data prepare" "data stats" "recipe check" "recipe schema" "recipe explain")
{
  echo "# The command line"
  echo
  echo "Results go to standard output, progress and messages to standard error. Exit codes:"
  echo
  echo "- 0: done"
  echo "- 1: the run failed"
  echo "- 2: the recipe, the data or the arguments are wrong"
  echo "- 130: interrupted; a checkpoint was saved, unless a second Ctrl-C ended the run at once"
  echo
  echo "This page is written by \`make docs\` from what \`finetune VERB --help\` prints."
  for verb in "${verbs[@]}"; do
    # shellcheck disable=SC2086  # "recipe check" is two words
    text=$(COLUMNS=80 "$finetune" $verb --help)
    printf '\n## finetune %s\n\n```text\n%s\n```\n' "$verb" "$text"
  done
} >Docs/command-line.md
