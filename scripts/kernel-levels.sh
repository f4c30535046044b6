#!/usr/bin/env bash
# The instruction sets, as FINETUNE_CPU calls them, that this processor has below its best one, and the
# imitation of matrix tiles: what the tests run on besides the best. A level that is the best already, or that the
# processor lacks, would only repeat it.
set -euo pipefail

flags=" $(grep -m 1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null | cut -d: -f2) "
has() { [[ $flags == *" $1 "* ]]; }

levels=()
if has avx2; then levels+=(plain); fi
if has avx512f; then levels+=(avx2); fi
if has avx512_bf16; then levels+=(avx512); fi
if has amx_tile; then levels+=(avx512_bf16); fi
if has asimd; then levels+=(plain); fi
if has asimd && has bf16; then levels+=(neon); fi
echo "${levels[@]}" amx_emulated
