#!/usr/bin/env bash
#
# Writes the bill of materials of the binary that is shipped, in CycloneDX 1.5, to target/sbom: each package that is built
# into it, with version, licence and checksum. The same sources give the same bytes.
#
#   sbom.sh CARGO_CYCLONEDX   the program; needs cargo and jq
#
# The program goes by all features that some crate of the workspace asks for, tests included; what cargo does not build
# into the binary is taken out again.

set -euo pipefail
export LC_ALL=C

program=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly program root place=$root/target/sbom
readonly name=chat-service

cd "$root"
mkdir -p "$place"
trap 'rm -f crates/*/sbom.json' EXIT

# The program writes beside each manifest.
SOURCE_DATE_EPOCH=0 "$program" cyclonedx -qq --format json --spec-version 1.5 --no-build-deps \
    --override-filename sbom
cargo tree --locked --package "$name" --edges normal --prefix none --format '{p}' |
    cut -d ' ' -f 1,2 | sed 's/ v/@/' | sort -u >"$place/packages"

# Paths of this machine are no part of what is shipped, and neither is the time.
jq --rawfile packages "$place/packages" --arg here "file://$root" '
    ($packages | split("\n")) as $shipped
    | [.components[] | select("\(.name)@\(.version)" as $this | $shipped | index($this))] as $components
    | ([$components[]."bom-ref"] + [.metadata.component."bom-ref"]) as $known
    | .components = $components
    | .dependencies |= map(
        select(.ref as $ref | $known | index($ref))
        | if .dependsOn then .dependsOn |= map(select(. as $ref | $known | index($ref))) else . end)
    | del(.metadata.timestamp, .metadata.component.components)
    | walk(if type == "string" then sub($here; "file:///chorus") else . end)
' "crates/$name/sbom.json" >"$place/$name.cdx.json"

# All that is built in, and nothing twice or else.
diff <(jq --raw-output '.metadata.component, .components[] | "\(.name)@\(.version)"' "$place/$name.cdx.json" | sort) \
    "$place/packages"
if grep -qF "$root" "$place/$name.cdx.json"; then
    echo "sbom: a path of this machine is left" >&2
    exit 1
fi
echo "$place/$name.cdx.json: $(jq '.components | length' "$place/$name.cdx.json") packages"
