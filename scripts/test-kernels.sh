#!/usr/bin/env bash
# Builds and runs the C tests of CKernels (Tests/CKernelsTests):
#   scripts/test-kernels.sh       for this processor, on each of its levels
#   scripts/test-kernels.sh arm   for 64-bit ARM, emulated by qemu: also that code for one level runs on a processor
#                                 that has no more (Cortex-A57: NEON, but no products of bfloat16)
# More arguments are the rooms to test; without them all are.
set -euo pipefail
cd "$(dirname "$0")/.."

target=native
if [[ ${1:-} == arm ]]; then
  shift
  # On such a processor there is nothing to emulate.
  if [[ $(uname -m) != aarch64 && $(uname -m) != arm64 ]]; then
    target=arm
    scripts/install-packages.sh --arm
  fi
fi
make --no-print-directory --silent -C Tests/CKernelsTests -j "$(nproc)" TARGET=$target
tests=(.build-kernels/$target/kernel-tests Tests/Golden)

if [[ $target == native ]]; then
  "${tests[@]}" "$@"
  for level in $(scripts/kernel-levels.sh); do FINETUNE_CPU=$level "${tests[@]}" "$@"; done
else
  qemu-aarch64 "${tests[@]}" "$@"
  # What does not depend on the level is not run again.
  [[ $# -gt 0 ]] || set -- machine nf4 float_products bf16_products matvec tiles attention bf16_attention cross_entropy
  qemu-aarch64 -cpu cortex-a57 "${tests[@]}" "$@"
  FINETUNE_CPU=plain qemu-aarch64 -cpu cortex-a57 "${tests[@]}" "$@"
fi
