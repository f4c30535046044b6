#!/usr/bin/env bash
# From nothing to a merged model: pull, train, measure, merge, answer. `make quickstart` builds first.
# Ends with status 1 where training did not lower the held-out perplexity by 15 % or more.
set -euo pipefail
cd "$(dirname "$0")/.."

finetune=${FINETUNE_BINARY:-.build/release/finetune}
recipe=${1:-Recipes/quickstart-lora.json}
model=Checkpoints/models/smollm2-135m-instruct
run=Checkpoints/$(basename "$recipe" .json)
prompt="Five pegs are out and the tassel hangs. How do we cross?"

say() { printf '\n== %s\n' "$1"; }

say "Base model"
"$finetune" pull smollm2-135m-instruct

say "Training ($recipe)"
# --resume: an interrupted quickstart goes on, a finished one is left as it is.
"$finetune" train "$recipe" --resume

say "Perplexity on held-out rows, before and after"
table=$("$finetune" eval --model "$model" --adapter "$run/adapter" --data Data/ferry-heldout.json --format alpaca --compute-dtype float32)
echo "$table"

say "Merged model"
rm -rf "$run-merged"
"$finetune" merge --model "$model" --adapter "$run/adapter" --output "$run-merged"

say "One prompt, answered by base and by tuned model"
echo "$prompt"
echo
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT
answer() { "$finetune" generate --model "$1" --prompt "$prompt" --max-new-tokens 80 | fold -s -w 46; }
{ echo "BASE"; echo; answer "$model"; } >"$answers/base"
{ echo "TUNED"; echo; answer "$run-merged"; } >"$answers/tuned"
pr -m -t -w 98 "$answers/base" "$answers/tuned"

say "Result"
echo "adapter        $run/adapter"
echo "merged model   $run-merged"
# Second and third line of the table: base and adapter; third column: perplexity.
echo "$table" | awk '
  NR == 2 { before = $3 }
  NR == 3 { after = $3 }
  END {
    printf "perplexity     %.2f before, %.2f after (%.1f %%)\n", before, after, (after / before - 1) * 100
    if (after > 0.85 * before) { print "The held-out perplexity did not fall by 15 %."; exit 1 }
  }'
