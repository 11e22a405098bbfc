#!/usr/bin/env bash
# Looks for known holes and unwanted licences in what Hocket depends on (THREATS.md, T22), and says what it could not look at.
# Exit code: 0 when all was looked at and nothing found, 1 when something was found, 2 when nothing was found but not all looked at.
#
# tests/test_dependencies.py has what needs no network: that everything is pinned, and comes from where it should.
set -u
cd "$(dirname "$0")/.."
tools=build/audit
PATH=$PWD/$tools/bin:$PATH
mkdir -p "$tools"
found=0 unseen=0

found() { found=1; echo "FOUND: $1"; }
unseen() { unseen=1; echo "NOT LOOKED AT: $1"; }

# --- Rust: licences, doubles, sources; then the advisory database, which lies in a Git repository, and with it what was yanked ---
if ! cargo deny --version >/dev/null 2>&1; then
    echo "Installing cargo-deny (minutes) ..."
    cargo install --quiet --locked --root "$tools" --version 0.20.2 cargo-deny || unseen "Rust: cargo-deny cannot be installed"
fi
if cargo deny --version >/dev/null 2>&1; then
    for manifest in Cargo.toml fuzz/Cargo.toml; do
        deny() { cargo deny --locked --config deny.toml --manifest-path "$manifest" check --hide-inclusion-graph "$@"; }
        if deny licenses bans sources >"$tools/deny.log" 2>&1; then
            echo "$manifest: licences, versions and sources are as deny.toml wants them"
        else
            cat "$tools/deny.log"
            found "$manifest: see above"
        fi
        if deny advisories >"$tools/advisories.log" 2>&1; then
            echo "$manifest: no advisory"
        elif grep -q 'advisories FAILED' "$tools/advisories.log"; then
            cat "$tools/advisories.log"
            found "$manifest: see above"
        else
            unseen "$manifest: advisories and yanked versions; the database cannot be fetched ($tools/advisories.log)"
        fi
    done
fi

# --- Python: the pins, by PyPI's own record of holes. A mirror that serves only files has none ---
if ! pip-audit --version >/dev/null 2>&1; then
    echo "Installing pip-audit ..."
    ${PYTHON:-python3} -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check pip-audit==2.10.1
fi
pip-audit --no-deps --disable-pip --progress-spinner off --format json \
    --requirement requirements/runtime.txt --requirement requirements/build.txt --requirement requirements/test.txt \
    >"$tools/python.json" 2>"$tools/python.log"
verdict=$(${PYTHON:-python3} - "$tools/python.json" 2>/dev/null <<'PYTHON'
import json, sys
packages = json.load(open(sys.argv[1]))["dependencies"]
holes = [f"{one['name']} {one['version']}: {hole['id']}" for one in packages for hole in one.get("vulns", [])]
skipped = [one["name"] for one in packages if "skip_reason" in one]
print(len(packages), len(skipped), "; ".join(holes) or "none")
PYTHON
) || verdict=
read -r packages skipped holes <<<"$verdict"
if [ -z "$verdict" ]; then
    unseen "Python: see $tools/python.log"
else
    [ "$holes" = none ] || found "Python: $holes"
    [ "$skipped" = 0 ] || unseen "Python: $skipped of $packages packages, of which the index has no record"
    [ "$skipped" = "$packages" ] || [ "$holes" != none ] || echo "Python: no hole in $((packages - skipped)) packages"
fi

# --- The page: what the registry knows ---
(cd web && npm audit --json) >"$tools/npm.json" 2>/dev/null
verdict=$(node -e 'const report = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(report.metadata.vulnerabilities.total)' \
    "$tools/npm.json" 2>/dev/null)
case $verdict in
    0) echo "npm: no hole" ;;
    '') unseen "npm: the registry answers no audit ($tools/npm.json)" ;;
    *) found "npm: $verdict, see $tools/npm.json" ;;
esac

[ $found = 0 ] || exit 1
[ $unseen = 0 ] || exit 2
