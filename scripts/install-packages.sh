#!/usr/bin/env bash
# Makes sure that the Swift toolchain and the system libraries are there; installs the latter with apt-get
# where that is possible. Silent when nothing is missing. With --arm: what `make test-arm` needs instead of the
# libraries, a C library for 64-bit ARM and an emulator of such processors.
set -euo pipefail

if ! command -v swift >/dev/null; then
  echo "The Swift toolchain is not on the PATH. Install Swift 6.2 or newer (https://www.swift.org/install)," >&2
  echo "then run this again." >&2
  exit 1
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [[ -n $version && $(printf '6.2\n%s\n' "$version" | sort -V | head -n 1) != 6.2 ]]; then
  echo "Swift $version is on the PATH; Swift 6.2 or newer is needed (https://www.swift.org/install)." >&2
  exit 1
fi

# pkg-config module and the Debian package that brings it
declare -A packages=([hdf5]=libhdf5-dev [libcrypto]=libssl-dev [libpcre2-8]=libpcre2-dev
  [libcurl]=libcurl4-openssl-dev [zlib]=zlib1g-dev [libzstd]=libzstd-dev)
missing=()
if [[ ${1:-} == --arm ]]; then
  command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
  command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu)
  [[ -e /usr/aarch64-linux-gnu/lib/libc.a ]] || missing+=(libc6-dev-arm64-cross)
elif command -v pkg-config >/dev/null; then
  for module in "${!packages[@]}"; do
    pkg-config --exists "$module" || missing+=("${packages[$module]}")
  done
else
  missing=(pkg-config "${packages[@]}")
fi
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
  if [[ ${1:-} == --arm ]]; then
    echo "The C tests for ARM need qemu-aarch64 (user mode) and a GCC with a C library for aarch64-linux-gnu, as Debian's" >&2
    echo "packages ${missing[*]} bring them. There is no apt-get here; install them with your system's package manager." >&2
    exit 1
  fi
  echo "These libraries are missing, with their headers and pkg-config files: HDF5, OpenSSL, PCRE2 (8 bit), libcurl," >&2
  echo "zlib, zstd." >&2
  echo "There is no apt-get here; install them with your system's package manager, for example" >&2
  echo "  dnf install hdf5-devel openssl-devel pcre2-devel libcurl-devel zlib-devel libzstd-devel pkgconf" >&2
  echo "  pacman -S hdf5 openssl pcre2 curl zlib zstd pkgconf" >&2
  exit 1
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing and only root may install them. As root, run:" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install=("${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}")
# The package lists of a fresh container are empty or old: refresh them only where needed.
"${install[@]}" >/dev/null 2>&1 || {
  "${as_root[@]}" apt-get update -qq
  "${install[@]}" >/dev/null
}
