#!/usr/bin/env bash
# Says in one line what is missing before anything is built: Python >= 3.11 with venv, Rust, a C compiler, Node >= 20.19.
set -u
python=${1:-python3}
missing=0
lack() { printf 'hocket: %s\n' "$1" >&2; missing=1; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    lack "Python 3.11 or newer is needed; '$python' is not. Install it, or name another: make PYTHON=python3.12 ..."
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    lack "'$python' lacks the venv module. On Debian: apt install python3-venv"
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
if ! command -v cargo >/dev/null || [ -z "$found" ]; then
    lack "Rust $rust or newer, with cargo, is needed to build the media core. See https://rustup.rs"
elif ! printf '%s\n' "$rust" "$found" | sort -V -C; then
    lack "Rust $rust or newer is needed to build the media core; this one is $found. Run: rustup update"
fi
command -v cc >/dev/null ||
    lack "a C compiler (cc) is needed to build the ciphers. On Debian: apt install build-essential"
command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)' 2>/dev/null ||
    lack "Node 20.19 or newer with npm is needed to build the page. See https://nodejs.org"
exit $missing
