#!/usr/bin/env bash
# Checks and measures the WebGPU backend on a machine with a GPU that has nothing installed and reaches no network.
#
#   scripts/gpu-check.sh pack [folder]        where Tessera is built: writes folder/gpu-check.tar.gz, about 40 MB
#   scripts/gpu-check.sh run  [folder] [...]  where the GPU is: runs it, writes folder/gpu-check.json and .md
#
# The archive holds the program in one file, Dawn, the Vulkan loader and Node, all for Linux on this processor. The machine
# with the GPU needs its driver, bash and tar. PyTorch is measured beside where PYTHON (default: python3) has it.
# `run` passes its further arguments on: `--tiny --software` tries everything on an adapter that a CPU plays.
# The folder is .gpu-check unless another is given. With OUT in the environment, results go there.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
command=${1:-}
folder=${2:-.gpu-check}

pack() {
  local work
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  node "$here/gpu-check/pack.mjs" "$work"
  mkdir -p "$work/lib" "$work/bin" "$folder"
  cp "$(command -v node)" "$work/bin/node"
  strip "$work/bin/node" 2>/dev/null || true
  local loader
  loader=$(ldconfig -p | awk '/libvulkan\.so\.1 / { print $NF; exit }')
  if [ -n "$loader" ]; then
    cp -L "$loader" "$work/lib/libvulkan.so.1"
  else
    echo "there is no Vulkan loader to take along; on Debian: apt-get install libvulkan1" >&2
  fi
  tar -C "$work" -czf "$folder/gpu-check.tar.gz" .
  ls -sh "$folder/gpu-check.tar.gz"
}

run() {
  shift $(($# < 2 ? $# : 2))
  local work
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  tar -C "$work" -xzf "$folder/gpu-check.tar.gz"
  # The machine's own loader, where there is one, comes first.
  ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1 ' || export LD_LIBRARY_PATH="$work/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  find_driver
  local python=${PYTHON:-python3}
  "$python" -c 'import torch' 2>/dev/null && set -- --python "$python" "$@" ||
    echo "without PyTorch, which $python does not have"
  "$work/bin/node" "$work/check.mjs" --out "${OUT:-$folder}" "$@"
}

# Containers have NVIDIA's driver where the Vulkan loader does not look.
find_driver() {
  [ -z "${VK_ICD_FILENAMES:-}${VK_DRIVER_FILES:-}" ] || return 0
  local icd
  for icd in /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
    [ ! -e "$icd" ] || return 0
  done
  for icd in /usr/local/nvidia/share/vulkan/icd.d/*.json; do
    [ ! -e "$icd" ] || export VK_DRIVER_FILES="$icd" VK_ICD_FILENAMES="$icd"
  done
}

case $command in
  pack) pack ;;
  run) run "$@" ;;
  *)
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
