#!/usr/bin/env bash
# The end-to-end tests drive real browsers and make network namespaces: Debian packages, installed when missing and root.
set -eu
declare -A packages=([chromium]=chromium [firefox-esr]=firefox-esr [ip]=iproute2)
wanted=()
for command in "${!packages[@]}"; do
    command -v "$command" >/dev/null || wanted+=("${packages[$command]}")
done
[ ${#wanted[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "hocket: the end-to-end tests need ${wanted[*]}. On Debian, as root: apt-get install ${wanted[*]}" >&2
    exit 1
fi
echo "Installing ${wanted[*]} for the end-to-end tests ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" fonts-liberation >/dev/null
